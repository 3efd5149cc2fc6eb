// A table of a file in one piece.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_source.h"
#include "base/checked.h"

namespace gpuinit::elf {

// `count` elements from `offset`. `what` names the table in errors; the caller has limited
// `count`.
template <class T>
Status read_into(const base::ByteSource& source, std::uint64_t offset, std::uint64_t count,
                 std::vector<T>& into, const char* what) {
  if (!base::range_inside(offset, count * sizeof(T), source.size()))
    return Error{source.name() + ": " + what + " runs out of the file"};
  into.resize(count);
  auto done = source.read_at(offset, std::as_writable_bytes(std::span(into)));
  if (!done) return std::move(done).error().context(what);
  return Done{};
}

}  // namespace gpuinit::elf
