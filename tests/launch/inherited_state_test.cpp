#include "launch/inherited_state.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace gpuinit::launch {
namespace {

bool pending(int signal) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, signal) == 1;
}

bool blocked(int signal) {
  sigset_t set;
  sigprocmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, signal) == 1;
}

// The state belongs to the whole process: try it in one of its own.
int in_child(const std::function<bool()>& holds) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(holds() ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(InheritedState, SurvivesABrokenPipeAndForgetsIt) {
  EXPECT_EQ(in_child([] {
              const InheritedState state;
              int ends[2];
              if (::pipe(ends) != 0) return false;
              ::close(ends[0]);
              const bool broken = ::write(ends[1], "x", 1) < 0 && pending(SIGPIPE);
              state.restore();  // would end us here if the signal were still pending
              return broken && !blocked(SIGPIPE);
            }),
            0);
}

TEST(InheritedState, KeepsAPipeSignalThatWasThereBefore) {
  EXPECT_EQ(in_child([] {
              sigset_t pipe;
              sigemptyset(&pipe);
              sigaddset(&pipe, SIGPIPE);
              sigprocmask(SIG_BLOCK, &pipe, nullptr);
              ::raise(SIGPIPE);
              const InheritedState state;
              state.restore();
              return pending(SIGPIPE) && blocked(SIGPIPE);
            }),
            0);
}

TEST(InheritedState, OccupiesClosedStandardDescriptorsUntilExec) {
  EXPECT_EQ(in_child([] {
              ::close(0);
              ::close(2);
              const InheritedState state;
              return ::fcntl(0, F_GETFD) == FD_CLOEXEC && ::fcntl(2, F_GETFD) == FD_CLOEXEC &&
                     ::fcntl(1, F_GETFD) == 0;
            }),
            0);
}

}  // namespace
}  // namespace gpuinit::launch
