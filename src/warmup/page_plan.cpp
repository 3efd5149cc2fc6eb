#include "warmup/page_plan.h"

#include <algorithm>
#include <set>
#include <utility>

namespace gpuinit::warmup {

void PagePlan::add(PlannedFile file, const std::vector<Range>& ranges) {
  const auto index = static_cast<std::uint32_t>(files.size());
  if (file.kind != PlannedFile::Kind::kParts) pieces.push_back({index, {}});
  else
    for (const Range& range : ranges) pieces.push_back({index, range});
  files.push_back(std::move(file));
}

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

PagePlan in_order_of_need(const PagePlan& touched) {
  PagePlan plan{touched.files, {}};
  std::vector<std::vector<Range>> ranges(plan.files.size());
  for (const Piece& piece : touched.pieces) ranges[piece.file].push_back(piece.range);
  for (std::size_t i = 0; i < ranges.size(); ++i) tidy(ranges[i], plan.files[i].size);

  std::set<std::pair<std::uint32_t, std::uint64_t>> taken;  // file, offset of the request
  for (const auto& [file, range] : touched.pieces) {
    if (plan.files[file].kind != PlannedFile::Kind::kParts) {
      if (taken.emplace(file, 0).second) plan.pieces.push_back({file, {}});
      continue;
    }
    const std::uint64_t end = range.offset + range.length;
    auto of = std::upper_bound(ranges[file].begin(), ranges[file].end(), range.offset,
                               [](std::uint64_t at, const Range& in) { return at < in.offset; });
    if (of == ranges[file].begin()) continue;  // past the end of the file
    const Range& joined = *--of;
    const std::uint64_t joined_end = joined.offset + joined.length;
    std::uint64_t at = range.offset - (range.offset - joined.offset) % kRequest;
    for (; at < std::min(end, joined_end); at += kRequest)
      if (taken.emplace(file, at).second)
        plan.pieces.push_back({file, {at, std::min(kRequest, joined_end - at)}});
  }
  return plan;
}

std::uint64_t total_bytes(const PagePlan& plan) {
  std::uint64_t total = 0;
  for (const Piece& piece : plan.pieces) total += piece.range.length;
  return total;
}

}  // namespace gpuinit::warmup
