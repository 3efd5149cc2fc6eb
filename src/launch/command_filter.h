// The command's own filter on system calls, installed last before exec.
#pragma once

#include <string>

#include "launch/exec_command.h"
#include "seccomp/filter.h"

namespace gpuinit::launch {

struct CommandFilter {
  seccomp::Program program;
  unsigned flags = 0;         // seccomp::install_flags
  bool no_new_privs = false;  // the kernel requires it; see seccomp/target_context.h
};

// Puts this process under the filter. Returns 0 or an errno. Fit for a vforked child.
int enter(const CommandFilter& filter);

// The kernel refused the filter, and the command was not started.
ExecFailure describe_refused_filter(int error);

// True if the filter allows the calls that describe_exec_failure makes.
bool allows_diagnosis(const CommandFilter& filter);

}  // namespace gpuinit::launch
