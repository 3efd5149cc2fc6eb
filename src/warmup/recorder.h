// Runs a command once and finds out which parts of which files it needed: what
// `gpuinit --seal FILE -- COMMAND` does.
//
// The command is traced (tracer.h). Where that is not allowed it runs under a seccomp filter that
// changes nothing and notifies us when a process is about to close a file, unmap a large piece,
// execute another program or end; then its page tables and file positions show what it has
// touched. No privileges; Linux 5.5 or newer (SECCOMP_USER_NOTIF_FLAG_CONTINUE). Not seen then:
// what a process touched that a signal ended, unless it came through us.
#pragma once

#include <functional>
#include <string>

#include "gpuinit/result.h"
#include "warmup/page_plan.h"

namespace gpuinit::warmup {

struct RecordRequest {
  std::string path;  // of the program
  char* const* argv = nullptr;
  std::function<void()> restore_signals;  // in the child: mask and dispositions as they were for us
};

struct Recorded {
  PagePlan plan;
  int exit_code = 0;   // of the command; 128+n if signal n ended it
  int exec_errno = 0;  // the command could not be executed; the rest is empty then
};

// Signals that come meanwhile are forwarded. When the command ends, what it leaves behind
// gets SIGTERM and two seconds, then SIGKILL. Errors: neither way is allowed here.
// Requires: all signals are blocked, no handler is installed.
Result<Recorded> record(const RecordRequest& request);

}  // namespace gpuinit::warmup
