// What the probe's process is given, and what it leaves to the process that started it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "fake_driver.h"
#include "probe/child/child.h"

namespace gpuinit::probe {
namespace {

using namespace std::chrono_literals;
using test::FakeDriver;
using test::in_another_process;
using test::in_words;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kInspect[] = "inspect cuInit DIR/seen\n";

TEST(Hygiene, TheChildGetsACleanProcess) {
  const FakeDriver driver(kInspect);
  const auto result = in_another_process([&] {
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    for (const int ignored : {SIGPIPE, SIGTERM, SIGHUP, SIGCHLD, SIGRTMIN + 3})
      ::sigaction(ignored, &action, nullptr);
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &action, nullptr);
    sigset_t some;
    ::sigemptyset(&some);
    ::sigaddset(&some, SIGINT);
    ::sigaddset(&some, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &some, nullptr);
    for (const int fd : {5, 17, 200}) ::dup2(2, fd);  // inheritable
    const rlimit core{4096, 4096};
    ::setrlimit(RLIMIT_CORE, &core);
    return in_words(driver.ask());
  });
  ASSERT_EQ(result, "answered, 1 devices");
  const std::string seen = driver.wrote("seen");
  EXPECT_THAT(seen, HasSubstr("directory /\n"));
  EXPECT_THAT(seen,
              HasSubstr("open 0 /dev/null\nopen 1 /dev/null\nopen 2 /dev/null\nopen 3 pipe:"));
  EXPECT_THAT(seen, Not(testing::ContainsRegex("open ([4-9]|[1-9][0-9]+) ")));
  EXPECT_THAT(seen, Not(HasSubstr("blocked")));
  EXPECT_THAT(seen, Not(HasSubstr("changed")));
  EXPECT_THAT(seen, HasSubstr("death-signal 9\n"));
  EXPECT_THAT(seen, HasSubstr("core 0\n"));
  int pid = 0;
  int parent = 0;
  int group = 0;
  ASSERT_EQ(std::sscanf(seen.c_str(), "pid %d\nparent %d\ngroup %d", &pid, &parent, &group), 3);
  EXPECT_EQ(group, pid);
}

TEST(Hygiene, TheChildGetsWhatSteersCudaAndNothingElse) {
  const FakeDriver driver(kInspect);
  auto options = driver.options();
  options.environment["CUDA_VISIBLE_DEVICES"] = "1";
  options.environment["LD_PRELOAD"] = "/nowhere.so";
  options.environment["SECRET"] = "1";
  ASSERT_EQ(in_words(CudaProbe::start(options).collect()), "answered, 1 devices");
  const std::string seen = driver.wrote("seen");
  EXPECT_THAT(seen, HasSubstr("environment CUDA_VISIBLE_DEVICES=1\n"));
  EXPECT_THAT(seen, HasSubstr("environment LD_LIBRARY_PATH="));
  EXPECT_THAT(seen, Not(HasSubstr("LD_PRELOAD")));
  EXPECT_THAT(seen, Not(HasSubstr("SECRET")));
}

bool same_signals(const sigset_t& a, const sigset_t& b) {
  for (int signal = 1; signal < NSIG; ++signal)
    if (::sigismember(&a, signal) != ::sigismember(&b, signal)) return false;
  return true;
}

// The command must get its dispositions and mask as gpuinit was given them.
TEST(Hygiene, TheParentIsLeftAsItWas) {
  for (const char* script : {"", "hang cuInit\n", "crash cuInit\n"}) {
    const FakeDriver driver(script);
    EXPECT_EQ(in_another_process([&]() -> std::string {
                struct sigaction given {};
                given.sa_handler = SIG_IGN;
                given.sa_flags = SA_NOCLDSTOP;
                ::sigaddset(&given.sa_mask, SIGUSR2);
                ::sigaction(SIGCHLD, &given, nullptr);
                struct sigaction before {};
                ::sigaction(SIGCHLD, nullptr, &before);
                sigset_t mask;
                ::sigemptyset(&mask);
                ::sigaddset(&mask, SIGUSR1);
                ::sigprocmask(SIG_SETMASK, &mask, nullptr);

                const auto outcome = driver.ask_within(1s).run.outcome;

                struct sigaction after {};
                ::sigaction(SIGCHLD, nullptr, &after);
                sigset_t mask_after;
                ::sigprocmask(SIG_SETMASK, nullptr, &mask_after);
                if (outcome == ProbeRun::Outcome::kExited) return "its status was lost";
                if (after.sa_handler != SIG_IGN) return "SIGCHLD is handled";
                if (after.sa_flags != before.sa_flags)
                  return "SIGCHLD has flags " + std::to_string(before.sa_flags) + " -> " +
                         std::to_string(after.sa_flags);
                if (!same_signals(after.sa_mask, before.sa_mask)) return "SIGCHLD was changed";
                if (!same_signals(mask, mask_after)) return "mask was changed";
                return "as it was";
              }),
              "as it was");
  }
}

TEST(Hygiene, NoZombieAndNoOpenFileIsLeft) {
  for (const char* script :
       {"", "hang cuInit\n", "crash cuInit\n", "exit cuInit 3\n", "say cuInit !\n"})
    for (const bool collect : {true, false}) {
      const FakeDriver driver(script);
      EXPECT_EQ(in_another_process([&]() -> std::string {
                  const int free_before = ::dup(0);
                  ::close(free_before);
                  {
                    auto options = driver.options();
                    options.timeout = 1s;
                    auto probe = CudaProbe::start(options);
                    if (collect) probe.collect();
                  }
                  const int free_after = ::dup(0);
                  if (free_after != free_before) return "a file is left open";
                  return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD ? "clean"
                                                                                : "a child is left";
                }),
                "clean")
          << script << collect;
    }
}

// As PID 1 the probe's own children become ours.
TEST(Hygiene, ChildrenOfTheChildAreReapedToo) {
  const FakeDriver driver("linger cuInit DIR/pid\n");
  EXPECT_EQ(in_another_process([&]() -> std::string {
              ::prctl(PR_SET_CHILD_SUBREAPER, 1);
              if (in_words(driver.ask()) != "answered, 1 devices") return "no answer";
              return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD ? "clean"
                                                                            : "a child is left";
            }),
            "clean");
}

TEST(Hygiene, OthersChildrenAreNotReaped) {
  const FakeDriver driver("");
  EXPECT_EQ(in_another_process([&]() -> std::string {
              const pid_t other = ::fork();
              if (other == 0) ::_exit(42);
              std::this_thread::sleep_for(50ms);
              driver.ask();
              int status = 0;
              return ::waitpid(other, &status, 0) == other && WEXITSTATUS(status) == 42 ? "ours"
                                                                                        : "taken";
            }),
            "ours");
}

TEST(Hygiene, TheChildDiesWithItsParent) {
  const FakeDriver driver(std::string(kInspect) + "stubborn cuInit\n");
  in_another_process([&]() -> std::string {
    auto probe = CudaProbe::start(driver.options());
    for (int i = 0; i < 1000 && driver.wrote("seen").find("core") == std::string::npos; ++i)
      std::this_thread::sleep_for(5ms);
    ::_exit(0);  // neither collects nor kills
  });
  int pid = 0;
  ASSERT_EQ(std::sscanf(driver.wrote("seen").c_str(), "pid %d", &pid), 1);
  std::string state = "?";
  for (int i = 0; i < 500; ++i) {
    state = test::read_file("/proc/" + std::to_string(pid) + "/stat");
    if (state.empty() || state.find(") Z") != std::string::npos) return;
    std::this_thread::sleep_for(10ms);
  }
  ADD_FAILURE() << "still there: " << state;
}

class ClosedFiles : public testing::TestWithParam<int> {};

// The pipe's ends then get the numbers that the child needs for other things.
TEST_P(ClosedFiles, AtTheStartDoNotMatter) {
  const FakeDriver driver(kInspect);
  const auto result = in_another_process([&] {
    for (int fd = 0; fd <= 4; ++fd) {
      if ((GetParam() >> fd & 1) != 0) ::close(fd);
      else if (fd > 2) ::dup2(::open("/dev/null", O_RDONLY), fd);
    }
    return in_words(driver.ask());
  });
  EXPECT_EQ(result, "answered, 1 devices");
  EXPECT_THAT(driver.wrote("seen"),
              HasSubstr("open 0 /dev/null\nopen 1 /dev/null\nopen 2 /dev/null\nopen 3 pipe:"));
}

INSTANTIATE_TEST_SUITE_P(Hygiene, ClosedFiles, testing::Range(0, 32));

TEST(Hygiene, WorksWithVeryFewFiles) {
  const FakeDriver driver("");
  const auto with_limit = [&](rlim_t limit) {
    return in_another_process([&] {
      for (int fd = 3; fd < 100; ++fd) ::close(fd);
      const rlimit few{limit, limit};
      ::setrlimit(RLIMIT_NOFILE, &few);
      return in_words(driver.ask());
    });
  };
  // Once without a limit: UBSan opens a pipe when it sees a vptr for the first time.
  EXPECT_EQ(in_words(driver.ask()), "answered, 1 devices");
  EXPECT_EQ(with_limit(6), "answered, 1 devices");
  EXPECT_EQ(with_limit(5), "answered, 1 devices");  // without a pidfd
  EXPECT_THAT(with_limit(4), AllOf(StartsWith("not started: "), HasSubstr("Too many open files")));
}

TEST(Hygiene, AForkThatIsRefusedIsAnAnswer) {
  if (::geteuid() == 0) {
    // Root is exempt from RLIMIT_NPROC.
    EXPECT_EQ(in_another_process([] {
                if (::setgid(65534) != 0 || ::setuid(65534) != 0) return std::string("setuid");
                const rlimit none{0, 0};
                ::setrlimit(RLIMIT_NPROC, &none);
                CudaProbeOptions options;
                return in_words(CudaProbe::start(options).collect());
              }),
              "not started: fork: Resource temporarily unavailable");
  } else {
    EXPECT_EQ(in_another_process([] {
                const rlimit none{0, 0};
                ::setrlimit(RLIMIT_NPROC, &none);
                CudaProbeOptions options;
                return in_words(CudaProbe::start(options).collect());
              }),
              "not started: fork: Resource temporarily unavailable");
  }
}

TEST(Hygiene, AnInterruptedWaitGoesOn) {
  const FakeDriver driver("slow cuInit 300\n");
  EXPECT_EQ(in_another_process([&] {
              struct sigaction action {};
              action.sa_handler = [](int) {};  // without SA_RESTART
              ::sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 2000}, {0, 2000}};
              ::setitimer(ITIMER_REAL, &often, nullptr);
              return in_words(driver.ask());
            }),
            "answered, 1 devices");
}

}  // namespace
}  // namespace gpuinit::probe
