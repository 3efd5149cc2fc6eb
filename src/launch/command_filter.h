// The command's own filter on system calls, installed last before exec.
#pragma once

#include <string>

#include "launch/exec_command.h"
#include "seccomp/filter.h"

namespace gpuinit::launch {

struct CommandFilter {
  seccomp::Program program;
  unsigned flags = 0;         // seccomp::install_flags
  bool no_new_privs = false;  // the kernel wants it; see seccomp::TargetContext
};

// From here on this process is under the filter. 0 or an errno. Fit for a vforked child.
int enter(const CommandFilter& filter);

// The kernel refused: the command was not started, and what the policy asks for cannot be had.
ExecFailure describe_refused_filter(int error);

// Under the filter: true if the questions that describe_exec_failure asks are allowed.
bool may_ask_why(const CommandFilter& filter);

}  // namespace gpuinit::launch
