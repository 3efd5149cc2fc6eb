// Which parts of which files a cold start reads, and in which order, as plain data.
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

struct PlannedFile {
  enum class Kind {
    kParts,  // the ranges of its pieces, if its size and mtime are still these
    kWhole,  // all of it, whatever its size and time are now
    kName,   // a file is looked up, a directory listed; no contents
  };
  std::string path;           // absolute
  std::uint64_t size = 0;     // of the file when the plan was made; another size: stale
  std::int64_t modified = 0;  // the same for its mtime, in seconds; image layers keep no more
  Kind kind = Kind::kParts;
  bool operator==(const PlannedFile&) const = default;
};

struct Piece {
  std::uint32_t file = 0;  // in `files`
  Range range;             // {0, 0} unless the file is of Kind::kParts
  bool operator==(const Piece&) const = default;
};

// Pieces are in the order in which they are needed first; a file may come up several times.
struct PagePlan {
  std::vector<PlannedFile> files;
  std::vector<Piece> pieces;
  bool operator==(const PagePlan&) const = default;

  // Adds a file and a piece of it. Of Kind::kParts: a piece for each range.
  void add(PlannedFile file, const std::vector<Range>& ranges = {});
};

// Ranges nearer to each other than this become one: a request costs more than reading on.
inline constexpr std::uint64_t kGap = 8ULL * 1024;

// One request reads at most this. Linux reads 128 KB ahead unless told otherwise, and what
// storage does with larger requests depends on the storage.
inline constexpr std::uint64_t kRequest = 128ULL * 1024;

// Sorted, clipped to `size`, and joined where they overlap or are less than kGap apart.
void tidy(std::vector<Range>& ranges, std::uint64_t size);

// Joins the pieces of each file (see tidy) and cuts them into requests, each where the first
// byte of it was wanted first. Nothing is in the result twice.
PagePlan in_order_of_need(const PagePlan& touched);

// Bytes of all ranges.
std::uint64_t total_bytes(const PagePlan& plan);

}  // namespace gpuinit::warmup
