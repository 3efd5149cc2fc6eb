// Asks the kernel to read a page plan, in processes of its own, while we do other things.
//
// The reads are the kernel's: readahead(2) returns when they have been asked for, and they
// go on when the processes that asked are gone. What is in the page cache costs nothing.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/unique_fd.h"
#include "warmup/page_plan.h"

namespace gpuinit::warmup {

struct ReplayOptions {
  std::uint64_t max_bytes = 0;  // no more than this is asked for; what comes later is left out
  int workers = 4;  // processes; opening files that are not in the cache waits for the disk
};

struct ReplayProgress {
  std::uint64_t bytes = 0;  // asked for
  std::uint32_t files = 0;
  std::uint32_t stale = 0;  // changed since the plan was made, gone, or not to be opened
  bool finished = false;    // everything has been asked for
};

class Replay {
 public:
  // Makes the plan in the child, so that the caller need not wait for it.
  using MakePlan = std::function<PagePlan()>;

  // A process that could not be started: nothing is read ahead, nothing is lost.
  Replay(const MakePlan& make_plan, const ReplayOptions& options);
  // stop(), if it has not been called.
  ~Replay() { stop(); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  ReplayProgress progress() const;

  // Returns when all is asked for, or at the deadline.
  void wait(std::chrono::steady_clock::time_point deadline);

  // Ends the processes and reaps all that are ours; at most a second.
  void stop();

  // The processes go on alone until all is asked for, or we end. Our
  // reaper will find them among our children.
  void let_go();

  struct Shared;  // what we and the processes have in common

 private:
  Shared* shared_ = nullptr;  // in a page of its own
  base::UniqueFd done_;       // the reading end of a pipe that the last of them closes
  pid_t leader_ = -1;         // also the id of their process group
};

}  // namespace gpuinit::warmup
