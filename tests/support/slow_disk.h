// A file on a disk that is slow: counts how often a reader has to wait for it.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "base/byte_source.h"

namespace gpuinit::test {

// Pages that were asked for in time are there when they are read. `bytes` must outlive it.
class SlowDisk final : public base::ByteSource {
 public:
  explicit SlowDisk(const std::string& bytes) : file_(std::as_bytes(std::span(bytes)), "lib.so") {}

  std::uint64_t size() const override { return file_.size(); }
  const std::string& name() const override { return file_.name(); }
  bool is_at_hand(std::uint64_t offset) const override { return pages_.contains(offset / kPage); }

  void will_need(std::uint64_t offset, std::uint64_t length) const override {
    for (auto page = offset / kPage; page <= (offset + length - 1) / kPage; ++page)
      pages_.insert(page);
  }

  Status read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    for (auto page = offset / kPage; page * kPage < offset + into.size(); ++page)
      if (pages_.insert(page).second) ++waits_;
    return file_.read_at(offset, into);
  }

  int waits() const { return waits_; }

 private:
  static constexpr std::uint64_t kPage = 4096;
  base::MemorySource file_;
  mutable std::set<std::uint64_t> pages_;
  mutable int waits_ = 0;
};

}  // namespace gpuinit::test
