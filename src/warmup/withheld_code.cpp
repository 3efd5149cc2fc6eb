#include "warmup/withheld_code.h"

#include <algorithm>
#include <utility>

namespace gpuinit::warmup {

namespace {

WithheldRange part_of(const WithheldRange& range, std::uint64_t begin, std::uint64_t end) {
  return {begin, end, range.offset + (begin - range.begin), range.protection, range.path};
}

}  // namespace

const WithheldRange* WithheldCode::find(std::uint64_t address) const {
  const auto found = std::ranges::find_if(ranges_, [&](const WithheldRange& range) {
    return range.begin <= address && address < range.end;
  });
  return found == ranges_.end() ? nullptr : &*found;
}

std::optional<WithheldRange> WithheldCode::granule(std::uint64_t address) const {
  const WithheldRange* range = find(address);
  if (range == nullptr) return std::nullopt;
  // Of the file, so that neighbours fit together.
  const std::uint64_t into = (range->offset + (address - range->begin)) % kGranule;
  const std::uint64_t begin = address - std::min(into, address - range->begin);
  return part_of(*range, begin, std::min(address - into + kGranule, range->end));
}

void WithheldCode::gave(const WithheldRange& granule) {
  windows_.insert(granule.begin / kFaultAround);
  windows_.insert((granule.end - 1) / kFaultAround);
}

bool WithheldCode::forget(std::uint64_t begin, std::uint64_t end) {
  const auto overlaps = [&](const WithheldRange& range) {
    return range.begin < end && begin < range.end;
  };
  if (std::ranges::none_of(ranges_, overlaps)) return false;
  std::vector<WithheldRange> left;
  for (WithheldRange& range : ranges_) {
    if (!overlaps(range)) {
      left.push_back(std::move(range));
      continue;
    }
    if (range.begin < begin) left.push_back(part_of(range, range.begin, begin));
    if (end < range.end) left.push_back(part_of(range, end, range.end));
  }
  ranges_ = std::move(left);
  return true;
}

}  // namespace gpuinit::warmup
