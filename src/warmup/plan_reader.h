// Reads the pieces of a page plan, many at a time, in threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "warmup/page_plan.h"

namespace gpuinit::warmup {

// Counts as it goes on; may lie in memory that another process sees.
struct ReadCounts {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> fetched{0};  // of these, what was not in the page cache
  std::atomic<std::uint32_t> files{0};
  std::atomic<std::uint32_t> stale{0};
};

// Returns when everything is read, or `max_bytes` are. Pieces are begun in the order of the
// plan, at most `in_flight` of them at a time. Requires: the process ends soon after; the threads'
// stacks are its last.
void read_plan(const PagePlan& plan, std::uint64_t max_bytes, int in_flight, ReadCounts& counts);

}  // namespace gpuinit::warmup
