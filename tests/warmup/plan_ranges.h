// What a plan has of one file.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "warmup/page_plan.h"

namespace gpuinit::test {

inline const warmup::PlannedFile* find_file(const warmup::PagePlan& plan, const std::string& path) {
  for (const warmup::PlannedFile& file : plan.files)
    if (file.path == path) return &file;
  return nullptr;
}

// In the order of the plan.
inline std::vector<warmup::Range> ranges_of(const warmup::PagePlan& plan, const std::string& path) {
  std::vector<warmup::Range> ranges;
  for (const warmup::Piece& piece : plan.pieces)
    if (plan.files[piece.file].path == path) ranges.push_back(piece.range);
  return ranges;
}

inline bool covers(const warmup::PagePlan& plan, const std::string& path, std::uint64_t offset) {
  return std::ranges::any_of(ranges_of(plan, path), [&](const warmup::Range& range) {
    return range.offset <= offset && offset < range.offset + range.length;
  });
}

inline std::uint64_t bytes_of(const warmup::PagePlan& plan, const std::string& path) {
  std::uint64_t bytes = 0;
  for (const warmup::Range& range : ranges_of(plan, path)) bytes += range.length;
  return bytes;
}

}  // namespace gpuinit::test
