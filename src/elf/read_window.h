// Small reads that lie near each other, served from one larger one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/byte_source.h"
#include "base/checked.h"

namespace gpuinit::elf {

// Reads `source` in pieces of 4 KB and keeps the last one. `source` must outlive it.
class ReadWindow final : public base::ByteSource {
 public:
  explicit ReadWindow(const base::ByteSource& source) : source_(source) {}

  std::uint64_t size() const override { return source_.size(); }
  const std::string& name() const override { return source_.name(); }

  Status read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (into.size() > piece_.size() || !base::range_inside(offset, into.size(), size()))
      return source_.read_at(offset, into);
    if (offset < at_ || !base::range_inside(offset - at_, into.size(), filled_)) {
      filled_ = 0;
      const std::uint64_t length = std::min<std::uint64_t>(piece_.size(), size() - offset);
      auto done = source_.read_at(offset, std::span(piece_).first(length));
      if (!done) return done;
      at_ = offset;
      filled_ = length;
    }
    if (!into.empty()) std::memcpy(into.data(), piece_.data() + (offset - at_), into.size());
    return Done{};
  }

 private:
  const base::ByteSource& source_;
  mutable std::array<std::byte, 4096> piece_;
  mutable std::uint64_t at_ = 0;
  mutable std::uint64_t filled_ = 0;
};

}  // namespace gpuinit::elf
