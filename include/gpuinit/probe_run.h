// What became of a probe itself: the CUDA probe (node_facts.h) or the Python probe
// (python_answer.h).
#pragma once

#include <string>
#include <vector>

#include "gpuinit/fact.h"

namespace gpuinit {

struct ProbeRun {
  enum class Outcome {
    kAnswered,    // a whole answer arrived
    kTimedOut,    // killed at probe.timeout
    kCrashed,     // ended by a signal
    kExited,      // ended without a whole answer
    kGarbled,     // said something that is not the protocol
    kNoLoader,    // the image lacks the glibc loader the probe (and libcuda) needs
    kNotStarted,  // fork, memfd or exec was refused
  };
  Outcome outcome = Outcome::kNotStarted;
  std::string detail;     // one clause with the signal, exit status or offending line
  std::string last_step;  // the call it was in: "dlopen", "cuInit", "cuDevicePrimaryCtxRetain 0"
  Fact<std::string> load_error;  // dlerror of libcuda.so.1; absent: it loaded
  Fact<int> init_error;          // CUresult of cuInit; 0: success
  double milliseconds = 0;
  bool out_of_memory = false;  // kCrashed: the kernel killed it because memory ran out
  // What the sandbox (src/probe/sandbox/sandbox.h) held: "seccomp and Landlock", "seccomp", "none,
  // because …"; empty: not said.
  std::string sandbox;
  // Names of system calls, "mount" or "mount (3 times)", at most 32 each: those that it
  // refused, and those that it let through although they were not expected.
  std::vector<std::string> refused_calls;
  std::vector<std::string> unexpected_calls;
  bool operator==(const ProbeRun&) const = default;
};

}  // namespace gpuinit
