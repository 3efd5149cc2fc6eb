#include "base/helper_process.h"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "base/reap_group.h"

namespace gpuinit::base {
namespace {

// In a process of its own: what is set there lasts. Exit code 0 is good.
int in_child(const std::function<int()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t pausing_spare() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    for (;;) ::pause();
  }
  ::setpgid(pid, pid);
  add_spare(pid);
  return pid;
}

constexpr uid_t kUser = 54'321;

// `processes`, and no more, may be this user's.
void become_a_user_with(rlim_t processes) {
  const rlimit limit{processes, processes};
  ::setrlimit(RLIMIT_NPROC, &limit);
  if (::setgid(kUser) != 0 || ::setuid(kUser) != 0) ::_exit(90);
}

TEST(SpareHelper, GoesWhereNoProcessMayBeMadeBesideIt) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root: a user without other processes";
  EXPECT_EQ(in_child([] {
              become_a_user_with(2);
              const pid_t spare = pausing_spare();
              if (spare <= 0) return 1;
              const pid_t refused = ::fork();
              if (refused == 0) ::_exit(0);
              if (refused > 0 || errno != EAGAIN) return 2;
              const pid_t made = with_room(::fork);
              if (made == 0) ::_exit(0);
              if (made < 0) return 3;
              if (take_spare(spare)) return 4;
              return ::waitpid(spare, nullptr, WNOHANG | __WALL) == -1 ? 0 : 5;
            }),
            0);
}

TEST(SpareHelper, IsNotMadeWhereFewMayBe) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root: a user without other processes";
  for (const auto& [limit, room] : {std::pair{15, 0}, {16, 1}, {100, 6}, {100'000, 32}})
    EXPECT_EQ(in_child([limit = limit] {
                become_a_user_with(static_cast<rlim_t>(limit));
                return room_for_spares(32);
              }),
              room)
        << limit;
}

TEST(SpareHelper, StaysWhereThereIsRoom) {
  EXPECT_EQ(in_child([] {
              const pid_t spare = pausing_spare();
              const pid_t made = with_room(::fork);
              if (made == 0) ::_exit(0);
              if (made < 0 || !take_spare(spare)) return 1;
              kill_group(spare);
              reap_group(spare, std::chrono::steady_clock::now() + std::chrono::seconds(10));
              return is_our_child(spare) ? 2 : 0;
            }),
            0);
}

// A process that is traced stays there after SIGKILL until its tracer looks, as one does that a
// driver or a disk holds.
TEST(AbandonedHelper, IsKnownUntilItIsGone) {
  EXPECT_EQ(in_child([] {
              const pid_t helper = pausing_spare();
              int ends[2];
              if (::pipe(ends) != 0) return 1;
              const pid_t tracer = ::fork();
              if (tracer == 0) {
                const bool done = ::ptrace(PTRACE_SEIZE, helper, nullptr, nullptr) == 0;
                if (::write(ends[1], done ? "y" : "n", 1) != 1) ::_exit(1);
                for (;;) ::pause();
              }
              char answer = 0;
              if (::read(ends[0], &answer, 1) != 1 || answer != 'y') return 2;
              if (!take_spare(helper)) return 3;
              end_helper(helper);
              if (!helpers_are_left() || !is_helper(helper)) return 4;
              ::kill(tracer, SIGKILL);
              ::waitpid(tracer, nullptr, 0);
              for (int i = 0; i < 1000 && helpers_are_left(); ++i) ::usleep(2000);
              return helpers_are_left() || is_helper(helper) ? 5 : 0;
            }),
            0);
}

}  // namespace
}  // namespace gpuinit::base
