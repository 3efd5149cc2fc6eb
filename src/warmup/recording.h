// A page plan as text: the part of a seal that --seal records and a start reads ahead.
//
//   gpuinit-pages 2
//   <size> <mtime> <offset>+<length>[,<offset>+<length>…] <path>
//   =<n> <offset>+<length>[,…]
//   - <path>
//   …
//
// Lines are in the order in which things are needed. A file has its size, mtime and path where
// it comes up first; later it is the n-th line with a path, counted from 0. "-" is a path that
// is looked up only. Numbers are decimal, ranges in bytes. The path is the rest of the line; one
// with a line feed in it cannot be recorded and is left out.
#pragma once

#include <string>
#include <string_view>

#include "gpuinit/result.h"
#include "warmup/page_plan.h"

namespace gpuinit::warmup {

// Bounds, since the file may come from elsewhere. `import torch` makes some thousand lines, 300 kB.
inline constexpr std::size_t kMaxRecording = 16ULL * 1024 * 1024;  // bytes
inline constexpr std::size_t kMaxRecordedFiles = 100'000;
inline constexpr std::size_t kMaxRecordedRanges = 1'000'000;

std::string recording_text(const PagePlan& plan);

// The error names the line: "line 3: expected <offset>+<length>, found `x`". Ranges come
// out clipped to their file; sizes and offsets are below 2^62, so that sums do not overflow.
Result<PagePlan> parse_recording(std::string_view text);

}  // namespace gpuinit::warmup
