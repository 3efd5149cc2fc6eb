// Stays while the command runs: forwards signals, reaps, keeps the terminal in
// order, and when it ends sees to it that every other process ends too.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "launch/command_filter.h"
#include "launch/exec_trace.h"
#include "launch/inherited_state.h"
#include "launch/postmortem.h"

namespace gpuinit::launch {

struct SuperviseOptions {
  bool signal_group = false;   // forward to the command's process group, not to it alone
  std::map<int, int> signals;  // received → sent, 0: dropped; others are sent as they come
  // From the end of the command, or from a SIGTERM if one came before: then SIGKILL.
  std::chrono::milliseconds grace{8000};
  int parent_death_signal = 0;            // 0: none is set
  std::vector<int> exit_zero;             // exit codes, 128+n included, that become 0
  bool postmortem = true;                 // say what the system knows about a failure
  bool postmortem_exit = false;           // a driver that no longer answers makes it kExitNode
  AskDriver ask_driver;                   // empty: the driver is not asked
  const CommandFilter* filter = nullptr;  // of the command alone, or null; not owned
  // The child that keeps the driver awake, ours to end, and how long it may stay. -1: none does.
  pid_t driver_keepalive = -1;
  std::chrono::milliseconds keepalive_limit{};
  Following following;
  // Says why it ends with this exit code: it could not be executed, or it ran, and
  // more is known than how it ended.
  std::function<void(int exit_code, std::string_view, bool command_ran)> tell_end;
};

// Runs `path` with `argv` and returns the exit code that gpuinit is to end with:
// the command's own, 128+n if signal n ended it, 126 or 127 if it could not be
// executed, or that of a verdict on what it came to. Requires: every signal is blocked, no handler
// is installed.
int supervise(SuperviseOptions options, const InheritedState& inherited, const std::string& path,
              char* const* argv);

}  // namespace gpuinit::launch
