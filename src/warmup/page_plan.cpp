#include "warmup/page_plan.h"

#include <algorithm>

namespace gpuinit::warmup {

void tidy(std::vector<Range>& ranges, std::uint64_t size) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.offset < b.offset; });
  std::vector<Range> tidied;
  for (const Range& range : ranges) {
    if (range.offset >= size || range.length == 0) continue;
    const std::uint64_t end = range.offset + std::min(range.length, size - range.offset);
    if (!tidied.empty()) {
      Range& last = tidied.back();
      const std::uint64_t last_end = last.offset + last.length;
      if (range.offset < last_end || range.offset - last_end < kGap) {
        last.length = std::max(end, last_end) - last.offset;
        continue;
      }
    }
    tidied.push_back({range.offset, end - range.offset});
  }
  ranges = std::move(tidied);
}

std::uint64_t total_bytes(const PagePlan& plan) {
  std::uint64_t total = 0;
  for (const FilePart& part : plan)
    for (const Range& range : part.ranges) total += range.length;
  return total;
}

}  // namespace gpuinit::warmup
