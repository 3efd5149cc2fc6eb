// Asks libcuda in a child process what only running code can tell: the driver's CUDA
// version, the devices, and on request whether a kernel runs on each.
//
//   auto probe = CudaProbe::start(options);   // the child works while we read files
//   CudaProbeAnswer answer = probe.collect();
//
// Whatever the child does, the caller gets an answer at the deadline plus
// Child::kReapBound at the latest, and no child of ours is left, except one that the
// kernel cannot kill, and one that was asked to stay.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gpuinit/node_facts.h"
#include "gpuinit/policy.h"
#include "probe/cuda/driver_keepalive.h"

namespace gpuinit::probe {

struct CudaProbeOptions {
  bool context = false;  // also make a context and run a verified kernel on each device
  std::chrono::milliseconds timeout{60'000};  // all devices together, counted from start()
  // One device's context, counted from when its trial began. The probe is ended when every
  // trial that is still under way has had that long.
  std::chrono::milliseconds trial_timeout{30'000};
  // Keep the probe afterwards, as an open client of the driver (driver_keepalive below).
  bool keep_driver_awake = false;
  // Used if it exists and is safe to run (probe/child/child_program.h); otherwise the
  // embedded copy.
  std::string installed_path = "/usr/libexec/gpuinit/gpuinit-cuda-probe";
  ProbeSandbox sandbox = ProbeSandbox::kRequired;  // probe/sandbox/sandbox.h
  // The command's. The probe gets what steers CUDA and the loader (cuda_environment()).
  std::map<std::string, std::string> environment;
};

// Can be moved only.
struct CudaProbeAnswer {
  ProbeRun run;
  Fact<std::string> cuda_version;
  // Unknown with the reason if the probe did not get that far; known and empty if cuInit
  // reports that there is no device. A device whose context trial was not reached or has not
  // ended says so in its `context`.
  Fact<std::vector<Device>> devices;
  // With `keep_driver_awake`, if there are devices, every context has been given back, and none of
  // them serves one process only: that one is to be the command.
  DriverKeepalive driver_keepalive;
};

// A running probe; destroying it kills and reaps. While one lives, SIGCHLD is at its
// default, so there should be one at a time.
class CudaProbe {
 public:
  // Never fails: what went wrong is in the answer.
  static CudaProbe start(const CudaProbeOptions& options);

  CudaProbe(CudaProbe&&) noexcept;
  CudaProbe& operator=(CudaProbe&&) noexcept;
  ~CudaProbe();

  // Waits for the whole answer, the child's end, garbage or the deadline. Call once.
  CudaProbeAnswer collect();

 private:
  struct State;
  explicit CudaProbe(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Where the sandbox refused calls, errors of the driver become unknown for that reason: the
// refusals may have caused them, and no node is blamed for what gpuinit did. Successes stay.
void distrust_errors(CudaProbeAnswer& answer);

}  // namespace gpuinit::probe
