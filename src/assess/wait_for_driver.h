// A node that is not ready yet: which failures time can cure, and the waiting for it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"

namespace gpuinit::assess {

// In words why the node is worth waiting for: "the driver sees 4 GPUs, gpu.count is >=8".
// No value: it is ready, its trouble is not in wait.for, or something else fails too that
// no waiting cures (an image that does not fit, a hanging driver, no libcuda).
//
//   system-not-ready   cuInit or a context says CUDA error 802
//   no-device          cuInit says 100, or there are fewer devices than gpu.count wants
//   busy               cuInit or a context says 46 or another error whose class is
//                      kExitNotReady (src/rules/cuda_error.cpp): memory taken, MPS not ready
std::optional<std::string> reason_to_wait(const NodeFacts& node,
                                          const std::vector<Finding>& findings,
                                          const Policy& policy);

// How long is slept before the node is asked for the `asked`th time again: 1 s, 2 s, 4 s,
// 8 s, then 15 s.
std::chrono::milliseconds pause_before(int asked);

class WaitForDriver {
 public:
  // The time counts from here. `on_progress` gets lines for people; it may be empty.
  WaitForDriver(std::chrono::milliseconds timeout,
                std::function<void(std::string_view)> on_progress);

  // Sleeps, never past the deadline; says why at the start and then at most every 10 s.
  // False: time was up already.
  bool pause(std::string_view reason);

  // Says how long it took; `timed_out`: in the failures of the devices.
  void finish(bool timed_out, std::vector<Finding>& findings) const;

  double milliseconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::string elapsed() const;

  std::chrono::milliseconds timeout_;
  std::function<void(std::string_view)> on_progress_;
  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> last_said_;
  int asked_ = 0;
};

}  // namespace gpuinit::assess
