// Which code of an address space is mapped, but not yet executable: what runs there faults, and
// so tells that it is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "warmup/page_plan.h"

namespace gpuinit::warmup {

struct WithheldRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // of `begin` in the file
  int protection = 0;        // what the program asked for
  std::string path;
};

class WithheldCode {
 public:
  // One fault gives this much: a page.
  static constexpr std::uint64_t kGranule = 4096;

  void add(WithheldRange range) { ranges_.push_back(std::move(range)); }

  // The granule around `address` that is to be made executable; nullopt if it is not withheld.
  std::optional<WithheldRange> granule(std::uint64_t address) const;

  // The granule has become executable.
  void gave(const WithheldRange& granule);

  // Code has run so near to `address` that the kernel mapped it at that fault: it takes the
  // fetch of a page that is not there for a read, and maps 64 KB around it (fault-around).
  bool ran_near(std::uint64_t address) const { return windows_.contains(address / kFaultAround); }

  // Something else happens to [begin, end) from now on. True if some of it was withheld.
  bool forget(std::uint64_t begin, std::uint64_t end);

  bool contains(std::uint64_t address) const { return find(address) != nullptr; }
  const std::vector<WithheldRange>& ranges() const { return ranges_; }

 private:
  const WithheldRange* find(std::uint64_t address) const;

  static constexpr std::uint64_t kFaultAround = 64ULL * 1024;

  std::vector<WithheldRange> ranges_;          // apart from each other
  std::unordered_set<std::uint64_t> windows_;  // of kFaultAround, in which code has run
};

}  // namespace gpuinit::warmup
