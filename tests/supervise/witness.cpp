// A command that tells what happens to it. One mode per behaviour, see main.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace {

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (::write(1, line, static_cast<std::size_t>(length)) < 0) ::_exit(9);
}

void block_all() {
  const std::uint64_t all = ~std::uint64_t{0};
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, sizeof all);
}

// The next `count` signals, SIGCHLD apart; then the exit.
int signals(int count) {
  block_all();
  say("ready\n");
  while (count > 0) {
    const std::uint64_t all = ~std::uint64_t{0};
    siginfo_t info{};
    const long signal = ::syscall(SYS_rt_sigtimedwait, &all, &info, nullptr, sizeof all);
    if (signal <= 0 || signal == SIGCHLD) continue;
    say("signal %ld value %d\n", signal, info.si_code == SI_QUEUE ? info.si_value.sival_int : -1);
    --count;
  }
  return 0;
}

void make_orphan() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const pid_t orphan = ::fork();
    if (orphan == 0) ::_exit(3);
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
}

// How many processes /proc shows, zombies and all.
int process_count() {
  int count = 0;
  DIR* directory = ::opendir("/proc");
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') ++count;
  ::closedir(directory);
  return count;
}

// PID 1 and this one should be all that is left.
int orphans(int count, bool trickle) {
  for (int i = 0; i < count; ++i) {
    make_orphan();
    if (trickle && i % 10 == 0) ::usleep(1000);
  }
  int left = process_count();
  for (int i = 0; left != 2 && i < 500; ++i) {
    ::usleep(10'000);
    left = process_count();
  }
  say("left %d\n", left - 2);
  return left == 2 ? 0 : 1;
}

// Takes `count` SIGRTMIN+5 while children of PID 1 die all the time.
int flood(int count) {
  block_all();
  const pid_t noise = ::fork();
  if (noise == 0)
    for (;;) make_orphan();
  say("ready\n");
  int got = 0;
  while (got < count) {
    const std::uint64_t wanted = std::uint64_t{1} << (SIGRTMIN + 5 - 1);
    siginfo_t info{};
    const timespec patience{10, 0};
    if (::syscall(SYS_rt_sigtimedwait, &wanted, &info, &patience, sizeof wanted) <= 0) break;
    ++got;
  }
  ::kill(noise, SIGKILL);
  ::waitpid(noise, nullptr, 0);
  say("got %d\n", got);
  return got == count ? 0 : 1;
}

volatile sig_atomic_t interrupts = 0;

// Counts SIGINT for a while after the first one.
int interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupts = interrupts + 1; };
  ::sigaction(SIGINT, &action, nullptr);
  say("ready\n");
  while (interrupts == 0) ::usleep(1000);
  ::usleep(300'000);
  say("interrupts %d\n", static_cast<int>(interrupts));
  return 0;
}

void tell_ready(const char* file) {
  ::close(::open((std::string(file) + ".ready").c_str(), O_CREAT | O_WRONLY, 0644));
}

void wait_until_ready(const char* file) {
  while (::access((std::string(file) + ".ready").c_str(), F_OK) != 0) ::usleep(1000);
}

// A child that leaves the group and the session, and cleans up when asked to.
int with_daemon(const char* file) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    struct sigaction action {};
    action.sa_handler = [](int) { interrupts = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
    tell_ready(file);
    while (interrupts == 0) ::usleep(1000);
    ::usleep(200'000);
    const int done = ::open(file, O_CREAT | O_WRONLY, 0644);
    ::close(done);
    ::_exit(0);
  }
  wait_until_ready(file);
  say("ready\n");
  return 5;
}

void ignore_term() { std::signal(SIGTERM, SIG_IGN); }

// Orphans die faster than a PID 1 of lower priority on the same processor can reap
// them, and none heeds SIGTERM.
int storm(int producers) {
  ignore_term();
  ::setpriority(PRIO_PROCESS, 0, -6);
  for (int i = 0; i < producers; ++i) {
    if (::fork() != 0) continue;
    ::alarm(100);  // whatever becomes of the test
    for (;;) {
      // So many wait to be reaped that it makes no difference, and other tests want to fork too.
      struct sysinfo machine {};
      if (::sysinfo(&machine) == 0 && machine.procs > 8000) continue;
      const pid_t pid = ::fork();
      if (pid == 0) ::_exit(::fork() == 0 ? 3 : 0);
      if (pid > 0) ::waitpid(pid, nullptr, 0);
    }
  }
  say("ready\n");
  for (;;) ::pause();
}

// A child in a session of its own whose first thread ends while another goes on:
// /proc calls it a zombie.
int headless(const char* file) {
  static const char* done;
  done = file;
  if (::fork() == 0) {
    ::setsid();
    struct sigaction action {};
    action.sa_handler = [](int) {
      ::close(::open(done, O_CREAT | O_WRONLY, 0644));
      ::_exit(0);
    };
    ::sigaction(SIGTERM, &action, nullptr);
    std::thread([] {
      tell_ready(done);
      for (;;) ::pause();
    }).detach();
    ::syscall(SYS_exit, 0);  // this thread alone
  }
  wait_until_ready(file);
  ::usleep(100'000);
  return 5;
}

// A thread that is not the first becomes the program.
int exec_in_thread(char** argv) {
  std::thread([argv] { ::execvp(argv[0], argv); }).join();
  return 9;
}

int exec_after_vfork(char** argv) {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::execvp(argv[0], argv);
    ::_exit(9);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 8;
}

// Leaves the process group that gpuinit made for it, then as `signals`.
int leave_group(int count) {
  const pid_t other = ::fork();
  if (other == 0) {
    ::setpgid(0, 0);
    ::usleep(500'000);
    ::_exit(0);
  }
  ::setpgid(other, other);
  if (::setpgid(0, other) != 0) return 8;
  return signals(count);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto number = [&](int index) { return argc > index ? std::atoi(argv[index]) : 0; };
  if (mode == "signals") return signals(number(2));
  if (mode == "burst") return orphans(number(2), false);
  if (mode == "trickle") return orphans(number(2), true);
  if (mode == "flood") return flood(number(2));
  if (mode == "interrupted") return interrupted();
  if (mode == "daemon") return with_daemon(argv[2]);
  if (mode == "storm") return storm(number(2));
  if (mode == "headless") return headless(argv[2]);
  if (mode == "leave-group") return leave_group(number(2));
  if (mode == "thread-exec") return exec_in_thread(argv + 2);
  if (mode == "vfork-exec") return exec_after_vfork(argv + 2);
  return 2;
}
