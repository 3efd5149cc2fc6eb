// Reads a page plan into the page cache, in its order, in a spare process of its own beside us
// (base/helper_process.h).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/unique_fd.h"
#include "warmup/page_plan.h"

namespace gpuinit::warmup {

struct ReplayOptions {
  std::uint64_t max_bytes = 0;  // no more than this is read; what comes later is left out
  int in_flight = 32;           // requests at a time
};

struct ReplayProgress {
  std::uint64_t bytes = 0;           // read, or found in the page cache
  std::uint64_t fetched = 0;         // read: what a start without this would have waited for
  std::chrono::milliseconds took{};  // until everything was read, or until now
  std::uint32_t files = 0;
  std::uint32_t stale = 0;  // changed since the plan was made, gone, or not to be opened
  bool finished = false;    // everything has been read
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

  // True when everything is read or the process is gone; false at the deadline.
  bool wait(std::chrono::steady_clock::time_point deadline);

  // Ends the process and reaps it; at most a second.
  void stop();

  // The process goes on alone until everything is read, or we end. Our reaper will find it
  // among our children.
  void let_go();

  struct Shared;  // what we and the process have in common

 private:
  Shared* shared_ = nullptr;  // in a page of its own
  base::UniqueFd done_;       // the reading end of a pipe that the process closes
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  pid_t reader_ = -1;  // also the id of its process group
};

}  // namespace gpuinit::warmup
