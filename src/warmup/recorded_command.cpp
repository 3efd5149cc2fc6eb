#include "warmup/recorded_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "base/root_fs.h"
#include "base/text.h"

namespace gpuinit::warmup {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLeftoverGrace{2000};

// Children of the command have become ours. One generation at a time: we are called again.
void kill_leftovers(int signal) {
  const std::string self = std::to_string(::getpid());
  const std::string path = "/proc/" + self + "/task/" + self + "/children";
  const auto children = base::read_own_file(path);
  if (!children) return;
  for (const auto word : base::split_words(*children))
    if (const auto pid = base::parse_number(word)) ::kill(static_cast<pid_t>(*pid), signal);
}

}  // namespace

bool RecordedCommand::is_forwarded(int signal, int code) const {
  return !has_ended() && signal != SIGCHLD && code != SI_KERNEL;
}

void RecordedCommand::ended(pid_t pid, int status) {
  if (pid != pid_) return;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  deadline_ = Clock::now() + kLeftoverGrace;
  kill_leftovers(SIGTERM);
}

void RecordedCommand::check_leftovers() const {
  if (deadline_ && Clock::now() >= *deadline_) kill_leftovers(SIGKILL);
}

}  // namespace gpuinit::warmup
