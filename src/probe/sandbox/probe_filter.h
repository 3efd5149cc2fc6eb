// The seccomp filter of a probe, and its verdict on one call.
//
// The kernel's program has one place for "this call is refused" and "this call was not
// expected": a notification. So the filter is compiled with marks in place of both, and
// the two programs that are installed are made of it by replacing the marks. gpuinit, which
// is notified, runs the marked program on the same numbers and knows which it was.
#pragma once

#include <sys/types.h>

#include "probe/sandbox/sandbox.h"
#include "seccomp/filter.h"

namespace gpuinit::probe {

class ProbeFilter {
 public:
  ProbeFilter() = default;

  // `landlock`: it holds changes to files, so the filter need not. 2 to 3 ms.
  static Result<ProbeFilter> make(Sandbox::Kind kind, bool landlock);

  // Which process may send signals to itself. Call once, before the functions below.
  void set_process(pid_t process);

  // Refused and unexpected calls wait for the listener.
  seccomp::Program with_listener() const;
  // Refused calls fail, unexpected calls go through.
  seccomp::Program without_listener() const;

  // The error that a call fails with; 0 if it is not refused. Of a call that waits for the
  // listener: it was refused, or else unexpected.
  int refusal(const seccomp_data& call) const;

 private:
  seccomp::Program marked_;
};

}  // namespace gpuinit::probe
