// The command that is recorded: signals go on to it, its end is noted, and what it leaves behind
// is ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

namespace gpuinit::warmup {

class RecordedCommand {
 public:
  explicit RecordedCommand(pid_t pid) : pid_(pid) {}

  pid_t pid() const { return pid_; }
  bool has_ended() const { return deadline_.has_value(); }
  int exit_code() const { return exit_code_; }  // 128+n if signal n ended it

  // A signal that came to us. Those of the terminal have reached the command as well: it is of
  // our process group.
  bool is_forwarded(int signal, int code) const;

  // A status of waitpid(2) that is an end.
  void ended(pid_t pid, int status);

  // To be called now and then: what is left after the grace is killed.
  void check_leftovers() const;

 private:
  pid_t pid_;
  int exit_code_ = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline_;  // of what it left behind
};

}  // namespace gpuinit::warmup
