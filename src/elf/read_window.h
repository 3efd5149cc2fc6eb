// Small reads that lie near each other, served from whole pages of the source.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/byte_source.h"
#include "base/checked.h"

namespace gpuinit::elf {

// Keeps the pages that were read last: a page costs no more than the few bytes that are wanted
// of it, and header, names and versions of a library share a handful. Reads of more than a page
// go to the source. `source` must outlive it. For one thread.
class ReadWindow final : public base::ByteSource {
 public:
  explicit ReadWindow(const base::ByteSource& source) : source_(&source) {}

  std::uint64_t size() const override { return source_->size(); }
  const std::string& name() const override { return source_->name(); }

  Status read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (into.size() > kPage || !base::range_inside(offset, into.size(), size()))
      return source_->read_at(offset, into);
    while (!into.empty()) {
      auto page = page_at(offset / kPage * kPage);
      if (!page) return std::move(page).error();
      const std::uint64_t from = offset % kPage;
      const std::size_t length = std::min<std::uint64_t>(into.size(), kPage - from);
      std::memcpy(into.data(), (*page)->data() + from, length);
      into = into.subspan(length);
      offset += length;
    }
    return Done{};
  }

 private:
  static constexpr std::uint64_t kPage = 1024;
  static constexpr std::size_t kKept = 4;
  using Bytes = std::array<std::byte, kPage>;
  struct Page {
    std::uint64_t at = 0;
    std::unique_ptr<Bytes> bytes;  // null: nothing has been read
  };

  Result<const Bytes*> page_at(std::uint64_t at) const {
    for (const Page& page : pages_)
      if (page.bytes && page.at == at) return page.bytes.get();
    Page& page = pages_[next_++ % kKept];
    auto bytes = std::move(page.bytes);
    if (!bytes) bytes = std::make_unique_for_overwrite<Bytes>();
    const std::uint64_t length = std::min(kPage, size() - at);
    auto done = source_->read_at(at, std::span(*bytes).first(length));
    if (!done) return std::move(done).error();
    page = {at, std::move(bytes)};
    return page.bytes.get();
  }

  const base::ByteSource* source_;
  mutable std::array<Page, kKept> pages_;
  mutable std::size_t next_ = 0;
};

}  // namespace gpuinit::elf
