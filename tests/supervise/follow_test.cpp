// A command that the files do not explain is followed from exec to exec, and what it comes to is
// judged before it runs. That nothing else changes: the whole folder runs followed as well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "probe/syscall_filter.h"
#include "supervise/supervised.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

// The machine's python3, with a torch that only a script's PYTHONPATH shows, and with a
// sitecustomize that tells when Python has run.
class Followed : public testing::TestWithParam<Place> {
 protected:
  Followed() {
    const Ran asked = run_program(
        {"/usr/bin/env", "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"},
        clean());
    image_.python = asked.out.substr(0, asked.out.find('\n'));
    image_.torch_tag = image_.python_tag();
    image_.cuda = "";
    image_.torch_version = "2.8.0+cpu";
    image_.write_torch(tree_);
    tree_.file(site("sitecustomize.py"), "open('" + at("ran") + "', 'w')\n");
    tree_.directory("empty");
    std::filesystem::permissions(tree_.root(), std::filesystem::perms::others_all,
                                 std::filesystem::perm_options::add);
  }

  std::string site(const std::string& file) const { return image_.site_packages() + "/" + file; }
  std::string at(const std::string& path) const { return tree_.at(path).string(); }
  std::string with_torch() const {
    return "if [ -n \"$HOME\" ]; then export PYTHONPATH=" + at(image_.site_packages()) + "; fi; ";
  }
  void break_torch() const {
    std::filesystem::remove(
        tree_.at(site("torch/_C." + image_.torch_tag + "-x86_64-linux-gnu.so")));
  }
  bool python_ran() const { return std::filesystem::exists(tree_.at("ran")); }

  // What only running it shows, as in SageMaker's entry point. Judged by one check alone, so that
  // the test machine has no say.
  std::vector<std::string> words(const std::string& script,
                                 const std::vector<std::string>& more = {},
                                 const std::string& check = "torch.install") const {
    std::ofstream(tree_.at("commands")) << script;
    std::vector<std::string> settings;
    for (const auto& each : checks::catalogue())
      if (each.id != check) settings.push_back("checks." + std::string(each.id) + "=off");
    settings.insert(settings.end(), {"gpu.required=no", "warmup.pages=off", "launch.grace=3",
                                     "launch.follow=auto"});
    settings.insert(settings.end(), more.begin(), more.end());
    return supervised(shell("eval \"$(tail -n 99 " + at("commands") + ")\""), settings);
  }
  std::unique_ptr<RunningProgram> start(const std::string& script,
                                        const std::vector<std::string>& more = {},
                                        const RunOptions& options = clean()) const {
    return std::make_unique<RunningProgram>(words(script, more), options, GetParam());
  }

  // The broken torch was found where it would have been imported, and nothing of it was.
  void expect_stopped(const std::string& script, const RunOptions& options = clean()) {
    break_torch();
    const auto running = start(script + "; echo went on", {}, options);
    EXPECT_EQ(running->finish(), 65) << script << running->said();
    EXPECT_THAT(running->said(), HasSubstr("FAIL torch.install: the torch in " + tree_.root()));
    EXPECT_THAT(running->said(), Not(HasSubstr("went on"))) << script;
    EXPECT_THAT(running->said(), Not(HasSubstr("the command was ended"))) << "no post-mortem";
    EXPECT_FALSE(python_ran()) << script;
  }

  Tree tree_;
  PyTorchImage image_;
};

constexpr char kPython[] = "python3 -c 'print(\"python ran\")'";
constexpr char kTracer[] = "grep TracerPid /proc/$$/status; ";  // of the shell
constexpr char kNoTracer[] = "TracerPid:\t0\n";

TEST_P(Followed, ABrokenTorchEndsTheTreeBeforePythonRuns) {
  expect_stopped("(trap 'echo tidy; exit' TERM; while :; do sleep 0.02; done) & " + with_torch() +
                 kPython);
}

TEST_P(Followed, WhatIsLeftMayCleanUp) {
  break_torch();
  const auto running =
      start("(trap 'echo tidy; exit' TERM; echo up; while :; do sleep 0.02; done) & sleep 0.3; " +
            with_torch() + kPython);
  EXPECT_EQ(running->finish(), 65);
  EXPECT_THAT(running->said(), HasSubstr("tidy\n"));
}

TEST_P(Followed, WholeTorchRunsAndNothingOfTheTracingRemains) {
  const auto running =
      start(std::string("sleep 100 & child=$!; ") + kTracer + with_torch() + kPython +
                "; sleep 0.3; grep TracerPid /proc/$$/status "
                "/proc/$child/status; echo done; read line; exit 4",
            {"launch.grace=0.2"});
  ASSERT_TRUE(running->says("done\n")) << running->said();
  EXPECT_THAT(running->said(), Not(testing::StartsWith(kNoTracer)));
  EXPECT_THAT(running->said(), HasSubstr("python ran\n"));
  EXPECT_EQ(running->count(kNoTracer), 2) << running->said();
  EXPECT_TRUE(python_ran());
  EXPECT_EQ(running->finish(), 4) << "its standard input is at its end";
}

TEST_P(Followed, ADebuggerCanAttachAfterwards) {
  const auto running = start(with_torch() + kPython + "; echo up; exec sleep 100");
  ASSERT_TRUE(running->says("up\n")) << running->said();
  std::this_thread::sleep_for(200ms);
  ASSERT_EQ(running->children().size(), 1U) << "nor is there a judge";
  const pid_t command = running->children().front();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, command, nullptr, nullptr), 0);
  ::kill(command, SIGKILL);
  ::waitpid(command, nullptr, __WALL);
  EXPECT_EQ(running->finish(), 128 + SIGKILL);
}

TEST_P(Followed, WhatHasNoFrameworkGoesOn) {
  break_torch();
  const auto running = start("export PYTHONPATH=" + at("empty") +
                             "; python3 -S -c 'print(\"one\")'; python3 -S --version; " + kTracer +
                             with_torch() + kPython);
  EXPECT_EQ(running->finish(), 65);
  EXPECT_THAT(running->said(), HasSubstr("one\nPython 3"));
  EXPECT_THAT(running->said(), Not(HasSubstr(kNoTracer)));
  EXPECT_FALSE(python_ran());
}

TEST_P(Followed, TheScriptsLibraryPathIsTheOneThatCounts) {
  tree_.file("lib/libm.so.6", std::string(100, 'x')).file("lib/libz.so.1", std::string(100, 'x'));
  tree_.file("lib/libc.so.6", std::string(100, 'x'));
  RunningProgram running(
      words(with_torch() + "LD_LIBRARY_PATH=" + at("lib") + " " + kPython + "; echo went on", {},
            "loader.missing"),
      clean(), GetParam());
  EXPECT_NE(running.finish(), 0) << running.said();
  EXPECT_THAT(running.said(), HasSubstr("FAIL loader.missing"));
  EXPECT_THAT(running.said(), HasSubstr(at("lib")));
  EXPECT_THAT(running.said(), Not(HasSubstr("went on")));
}

TEST_P(Followed, HoweverItIsStarted) {
  const std::string witness = std::string(WITNESS_BINARY) + " ";
  tree_.executable("script", "#!/usr/bin/env python3\nprint('python ran')\n");
  for (const std::string& by :
       {witness + "thread-exec", witness + "vfork-exec", std::string("setsid -w"),
        std::string("exec -a"), std::string("sh -c '(exec \"$@\") & wait' sh"), std::string("env")})
    expect_stopped(with_torch() + (by == "exec -a" ? "exec bash -c 'exec -a odd python3 -c 1'"
                                                   : by + " python3 -c 1"));
  expect_stopped(with_torch() + at("script"));
}

TEST_P(Followed, NoLongerThanThePolicySays) {
  break_torch();
  const auto running =
      start(std::string(kTracer) + "sleep 1; " + kTracer + with_torch() + kPython + "; exit 4",
            {"launch.follow-timeout=0.5"});
  EXPECT_EQ(running->finish(), 4);
  EXPECT_EQ(running->count(kNoTracer), 1) << running->said();
  EXPECT_TRUE(python_ran());
}

TEST_P(Followed, NotIfThePolicySaysSo) {
  break_torch();
  const auto running = start(kTracer + with_torch() + kPython + "; exit 4", {"launch.follow=off"});
  EXPECT_EQ(running->finish(), 4);
  EXPECT_THAT(running->said(), HasSubstr(kNoTracer));
  EXPECT_TRUE(python_ran());
}

TEST_P(Followed, AShellSeesItsJobsStop) {
  const auto running = start(
      "exec bash -c 'set -m; (while :; do sleep 0.02; done) & sleep 0.1; kill -STOP %1; sleep 0.2; "
      "jobs; kill -CONT %1; sleep 0.2; jobs; kill %1; wait %1; echo $?; " +
      std::string(kTracer) + "true'");
  EXPECT_EQ(running->finish(), 0);
  EXPECT_THAT(running->said(), testing::ContainsRegex("Stopped .*while"));
  EXPECT_THAT(running->said(), testing::ContainsRegex("Running .*while"));
  EXPECT_THAT(running->said(), HasSubstr("143\n"));
  EXPECT_THAT(running->said(), Not(HasSubstr(kNoTracer)));
}

TEST_P(Followed, AThousandShortProcesses) {
  const auto running = start(
      std::string("i=0; while [ $i -lt 250 ]; do (:) & (exit 3); /bin/true; [ \"$(echo $i)\" = $i "
                  "] || exit 9; i=$((i+1)); done; wait; ") +
      kTracer + "exit 5");
  EXPECT_EQ(running->finish(1min), 5);
  EXPECT_THAT(running->said(), Not(HasSubstr(kNoTracer)));
}

TEST_P(Followed, ATreeIsReleasedAsAWhole) {
  const std::string tracers = "grep -hs TracerPid /proc/[0-9]*/status | sort -u; ";
  const auto running =
      start("i=0; while [ $i -lt 300 ]; do (while :; do sleep 100; done) & i=$((i+1)); done; " +
                tracers + with_torch() + kPython + "; sleep 0.5; " + tracers + "echo up",
            {"launch.grace=0.2"});
  ASSERT_TRUE(running->says("up\n")) << running->said();
  if (GetParam() == Place::kPid1) {  // elsewhere /proc has others too
    EXPECT_EQ(running->count("TracerPid:\t1\n"), 1) << running->said();
    EXPECT_THAT(running->said(), HasSubstr("python ran\n" + std::string(kNoTracer) + "up\n"));
  }
  EXPECT_EQ(running->finish(), 0);
}

TEST_P(Followed, ProgramsThatTraceCanDoSo) {
  std::filesystem::copy_file("/bin/grep", tree_.at("strace"));
  const auto running = start(at("strace") + " TracerPid /proc/self/status; " + kTracer);
  EXPECT_EQ(running->finish(), 0);
  EXPECT_EQ(running->count("TracerPid"), 2);
  EXPECT_EQ(running->count(kNoTracer), 1) << running->said();
}

TEST_P(Followed, WhatSeesOtherFilesIsLetGo) {
  break_torch();
  const auto running = start(with_torch() + "unshare -m " + kPython + "; " + kTracer + "exit 4");
  EXPECT_EQ(running->finish(), 4) << running->said();
  EXPECT_TRUE(python_ran());
  EXPECT_THAT(running->said(), Not(HasSubstr(kNoTracer)));
}

TEST_P(Followed, WherePtraceIsRefusedAllIsAsBefore) {
  break_torch();
  RunOptions options = clean({{"ASAN_OPTIONS", "detect_leaks=0"}});  // it needs ptrace
  options.in_child = [] {
    if (!refuse({{SYS_ptrace, EPERM}})) ::_exit(252);
  };
  std::vector<std::string> said = words(kTracer + with_torch() + kPython + "; exit 4");
  said.insert(said.begin() + 1, "--verbose");
  RunningProgram running(said, options, GetParam());
  EXPECT_EQ(running.finish(), 4);
  EXPECT_THAT(running.said(), HasSubstr("is not followed (ptrace): Operation not permitted"));
  EXPECT_THAT(running.said(), HasSubstr(kNoTracer));
}

// --- Rights ---

void lose_sys_ptrace() {
  if (::prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE) != 0) ::_exit(252);
}

// The kernel gives a set-user-ID program nothing where its tracer may not trace all.
TEST_P(Followed, SudoWorks) {
  std::filesystem::copy_file("/usr/bin/id", tree_.at("sudo"));
  std::filesystem::copy_file(GPUINIT_BINARY, tree_.at("gpuinit"));
  ::chmod(tree_.at("sudo").c_str(), 04755);
  RunOptions options = clean();
  options.in_child = [] {
    lose_sys_ptrace();
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(248);
  };
  std::vector<std::string> ours = words(kTracer + at("sudo") + " -u; id -u");
  ours[0] = at("gpuinit");
  RunningProgram running(ours, options, GetParam());
  EXPECT_EQ(running.finish(), 0) << running.said();
  EXPECT_THAT(running.said(), HasSubstr(std::string(kNoTracer) + "0\n65534\n"));
  // Not even then of a script that has become another user.
  options.in_child = lose_sys_ptrace;
  RunningProgram other(
      words(std::string(kTracer) + "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '" +
            at("sudo") + " -u'"),
      options, GetParam());
  EXPECT_EQ(other.finish(), 0) << other.said();
  EXPECT_THAT(other.said(), Not(HasSubstr(kNoTracer)));
  EXPECT_THAT(other.said(), testing::EndsWith("\n0\n"));
}

TEST_P(Followed, WithoutNewPrivilegesThereAreNoneToLose) {
  std::filesystem::copy_file(GPUINIT_BINARY, tree_.at("gpuinit"));
  break_torch();
  RunOptions options = clean();
  options.in_child = [] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    lose_sys_ptrace();
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(248);
  };
  std::vector<std::string> ours = words(with_torch() + kPython);
  ours[0] = at("gpuinit");
  RunningProgram running(ours, options, GetParam());
  EXPECT_EQ(running.finish(), 65) << running.said();
}

// gosu, su-exec: what it execs is judged with that user's rights.
TEST_P(Followed, AnotherUsersPythonIsJudged) {
  RunOptions options = clean();
  options.in_child = lose_sys_ptrace;
  expect_stopped(with_torch() + "setpriv --reuid=65534 --regid=65534 --clear-groups " + kPython,
                 options);
}

INSTANTIATE_TEST_SUITE_P(Places, Followed, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

// --- The driver ---

class FollowedToTheDriver : public Followed {
 protected:
  FollowedToTheDriver() {
    image_.cuda = "12.8";
    image_.torch_version = "2.8.0+cu128";
    image_.write_torch(tree_);
    tree_.file("good", "devices 1 9.0 85899345920 NVIDIA H100\n");
    tree_.file("bad", "fail cuInit 999\n").file("hangs", "hang cuInit\n");
  }
  std::unique_ptr<RunningProgram> start_with_driver(const std::string& script) const {
    return std::make_unique<RunningProgram>(
        words(with_torch() + script,
              {"gpu.required=yes", "warmup.context=false", "launch.postmortem=false"},
              "device.present"),
        clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
               {"CUDA_FAKE_CONFIG", at("good")},
               {"ASAN_OPTIONS", "detect_leaks=0"}}),
        GetParam());
  }
};

TEST_P(FollowedToTheDriver, ItIsNotAskedTwice) {
  const auto running =
      start_with_driver("cat " + at("bad") + " > " + at("good") + "; " + kPython + "; exit 4");
  EXPECT_EQ(running->finish(), 4) << running->said();
  EXPECT_TRUE(python_ran());
}

TEST_P(FollowedToTheDriver, UnlessItWouldSeeOtherVariables) {
  const auto running =
      start_with_driver("export CUDA_FAKE_CONFIG=" + at("bad") + "; " + kPython + "; exit 4");
  EXPECT_EQ(running->finish(), 69) << running->said();
  EXPECT_FALSE(python_ran());
}

TEST_P(FollowedToTheDriver, AStopRequestIsNotHeldUpByIt) {
  const auto running = start_with_driver("export CUDA_FAKE_CONFIG=" + at("hangs") + "; echo up; " +
                                         kPython + "; exit 4");
  ASSERT_TRUE(running->says("up\n")) << running->said();
  std::this_thread::sleep_for(700ms);
  const auto begin = Clock::now();
  running->send(SIGTERM);
  EXPECT_EQ(running->finish(), 128 + SIGTERM) << running->said();
  EXPECT_LT(Clock::now() - begin, 5s);
}

INSTANTIATE_TEST_SUITE_P(Places, FollowedToTheDriver, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

// --- The tests of this folder ---

TEST(TestsOfThisFolder, AreFollowedWhereTheySaySo) {
  RunningProgram running(supervised(shell("grep TracerPid /proc/$$/status; true")), unchecked());
  const pid_t tracer = commands_are_followed() ? running.pid() : 0;
  EXPECT_EQ(running.finish(), 0);
  EXPECT_EQ(running.said(), "TracerPid:\t" + std::to_string(tracer) + "\n");
}

}  // namespace
}  // namespace gpuinit::test
