// Makes every system call of every ABI once, each in a process of its own and with
// arguments that the kernel refuses, and says what a filter did: "x86-64 165 1".
//
// Only EPERM, ENOSYS and a signal are told apart; all else counts as 0, because what the
// kernel says to nonsense depends on more than the filter.
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "support/system_call.h"

namespace {

using gpuinit::test::Arguments;

constexpr int kLast = 480;
constexpr int kUnknown = 9999;
constexpr int kPatienceMilliseconds = 500;  // some calls wait for ever

// No address, descriptor, process or flag.
constexpr Arguments kNonsense{-1, -1, -1, -1, -1, -1};

int outcome(int error) { return error == EPERM || error == ENOSYS ? error : 0; }

template <class Call>
void ask(const char* abi, int number, const Call& call) {
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(outcome(call(number)));
  }
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{process, POLLIN, 0};
  if (::poll(&ended, 1, kPatienceMilliseconds) == 0) ::kill(pid, SIGKILL);
  ::close(process);
  int status = 0;
  ::waitpid(pid, &status, 0);
  std::printf("%s %d %s%d\n", abi, number, WIFSIGNALED(status) ? "signal " : "",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

template <class Call>
void ask_all(const char* abi, const Call& call) {
  for (int number = 0; number <= kLast; ++number) ask(abi, number, call);
  ask(abi, kUnknown, call);
}

}  // namespace

int main() {
  ask_all("own", [](int number) { return gpuinit::test::errno_of(number, kNonsense); });
#if defined(__x86_64__)
  ask_all("x32",
          [](int number) { return gpuinit::test::errno_of(number | 0x40000000, kNonsense); });
  ask_all("i386", [](int number) { return gpuinit::test::errno_of_int80(number, kNonsense); });
#endif
  // Arguments that profiles look at.
  for (const long domain : {1, 16, 37, 38, 39, 40, 41})
    ask("socket", static_cast<int>(domain), [](int family) {
      return gpuinit::test::errno_of(SYS_socket, {family, 99, 99});
    });
  for (const long persona : {0x0, 0x8, 0x20000, 0x20008, 0x40000})
    ask("personality", static_cast<int>(persona),
        [](int value) { return gpuinit::test::errno_of(SYS_personality, {value}); });
  for (const long flag :
       {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000})
    ask("clone", static_cast<int>(flag), [](int flags) {
      // CLONE_SIGHAND without CLONE_VM is refused after the filter.
      return gpuinit::test::errno_of(SYS_clone, {flags | 0x800, 0, 0, 0, 0});
    });
  return 0;
}
