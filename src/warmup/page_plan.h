// Which parts of which files a cold start reads, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gpuinit::warmup {

// Bytes of a file.
struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const Range&) const = default;
};

struct FilePart {
  std::string path;           // absolute
  std::uint64_t size = 0;     // of the file when the plan was made; another size: stale
  std::int64_t modified = 0;  // the same for its mtime, in seconds; image layers keep no more
  std::vector<Range> ranges;  // ascending, apart from each other (see tidy)
  bool whole = false;         // all of the file, whatever its size and time are now
  bool operator==(const FilePart&) const = default;
};

// In the order in which they are needed first.
using PagePlan = std::vector<FilePart>;

// Ranges nearer to each other than this become one: a request costs more than reading on.
inline constexpr std::uint64_t kGap = 16ULL * 1024;

FilePart whole_file(std::string path);

// Sorted, clipped to `size`, and joined where they overlap or are less than kGap apart.
void tidy(std::vector<Range>& ranges, std::uint64_t size);

// Bytes of all ranges.
std::uint64_t total_bytes(const PagePlan& plan);

}  // namespace gpuinit::warmup
