// A probe that does what it should not: each forbidden call is made for real, by a small
// program of its own (tests/support/misbehaving), and its errno is looked at.
#include "probe/sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fake_driver.h"
#include "probe/child/child.h"
#include "syscall_filter.h"

namespace gpuinit::probe {
namespace {

using namespace std::chrono_literals;
using test::in_another_process;
using test::refuse;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using Kind = Sandbox::Kind;

constexpr long kLandlockCreateRuleset = 444;
constexpr unsigned kNewListener = 8;

struct Ran {
  std::string said;
  ProbeRun run;
  std::string ended;  // as Child words it; "deadline", "too much"
  std::string not_started;

  // "mount 1\nkill 1\n"
  std::vector<std::pair<std::string, int>> results() const {
    std::vector<std::pair<std::string, int>> pairs;
    std::istringstream lines(said);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string what;
      int error = 0;
      if (words >> what >> error) pairs.emplace_back(what, error);
    }
    return pairs;
  }
  int result(const std::string& of) const {
    for (const auto& [what, error] : results())
      if (what == of) return error;
    return -1;
  }
};

Ran run_program(ChildProgram program, std::chrono::milliseconds timeout = 20s) {
  Ran ran;
  Child child(program);
  if (child.start_error() != nullptr) {
    ran.not_started = child.start_error()->message;
    return ran;
  }
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    const auto event = child.wait(ran.said, deadline);
    if (event == Child::Event::kEnded) break;
    if (event == Child::Event::kDeadline) ran.ended = "deadline";
    else if (ran.said.size() > 1 << 20) ran.ended = "too much";
    if (!ran.ended.empty()) break;
  }
  child.kill_and_reap();
  if (ran.ended.empty()) ran.ended = child.how_it_ended();
  child.describe(ran.run);
  return ran;
}

ChildProgram misbehaving(std::vector<std::string> arguments, Kind kind = Kind::kCuda) {
  ChildProgram program;
  program.name = "misbehaving";
  program.installed_path = GPUINIT_MISBEHAVING_PROGRAM;
  program.arguments = std::move(arguments);
  program.environment = {"PATH=/usr/bin"};
  program.sandbox.kind = kind;
  return program;
}

Ran misbehave(std::vector<std::string> arguments, Kind kind = Kind::kCuda,
              std::chrono::milliseconds timeout = 20s) {
  return run_program(misbehaving(std::move(arguments), kind), timeout);
}

std::string names(const std::vector<std::string>& calls) {
  std::string text;
  for (const auto& call : calls) text += call + "; ";
  return text;
}

void expect_each_refused(const Ran& ran, std::size_t at_least) {
  const auto results = ran.results();
  EXPECT_GE(results.size(), at_least) << ran.said << ran.ended;
  std::map<std::string, int> times;
  for (const auto& [name, error] : results) {
    EXPECT_EQ(error, EPERM) << name;
    ++times[name];
  }
  std::vector<std::string> expected;
  for (const auto& [name, count] : times)
    if (expected.size() < 32)
      expected.push_back(count == 1 ? name : name + " (" + std::to_string(count) + " times)");
  if (times.size() <= 32) {
    EXPECT_EQ(ran.run.refused_calls, expected);
  } else {
    EXPECT_THAT(ran.run.refused_calls, SizeIs(32));
  }
  EXPECT_THAT(ran.run.unexpected_calls, IsEmpty()) << names(ran.run.unexpected_calls);
  EXPECT_EQ(ran.ended, "exit status 0");
}

bool has_landlock() { return ::syscall(kLandlockCreateRuleset, nullptr, 0, 1) > 0; }

TEST(Sandbox, RefusesEachForbiddenCallAndNamesIt) {
  for (const Kind kind : {Kind::kCuda, Kind::kPython})
    expect_each_refused(misbehave({"forbidden"}, kind), 50);
}

#if defined(__x86_64__)
TEST(Sandbox, RefusesThemThroughThe32BitEntryToo) {
  expect_each_refused(misbehave({"forbidden-32"}), 10);
}

TEST(Sandbox, RefusesThemByTheirX32NumbersToo) {
  expect_each_refused(misbehave({"forbidden-x32"}), 4);
}
#endif

TEST(Sandbox, WhatADriverNeedsWorksAndIsNotNoticed) {
  for (const Kind kind : {Kind::kCuda, Kind::kPython}) {
    const Ran ran = misbehave({"permitted"}, kind);
    EXPECT_THAT(ran.results(), SizeIs(11)) << ran.said << ran.ended;
    for (const auto& [what, error] : ran.results()) EXPECT_EQ(error, 0) << what;
    EXPECT_THAT(ran.run.refused_calls, IsEmpty()) << names(ran.run.refused_calls);
    EXPECT_THAT(ran.run.unexpected_calls, IsEmpty()) << names(ran.run.unexpected_calls);
    EXPECT_EQ(ran.run.sandbox, has_landlock() ? "seccomp and Landlock" : "seccomp");
  }
}

TEST(Sandbox, AnUnexpectedCallWorksAndIsNamed) {
  const Ran ran = misbehave({"unexpected"});
  EXPECT_EQ(ran.result("kcmp"), 0);
  EXPECT_EQ(ran.result("none"), ENOSYS);
  EXPECT_THAT(ran.run.unexpected_calls, ElementsAre("kcmp", "system call 9999"));
  EXPECT_THAT(ran.run.refused_calls, IsEmpty());
}

TEST(Sandbox, NoMoreThan32NamesAreKept) {
  EXPECT_THAT(misbehave({"call-all-numbers"}).run.unexpected_calls, SizeIs(32));
}

TEST(Sandbox, LimitsResources) {
  const Ran cuda = misbehave({"limits"});
  EXPECT_THAT(cuda.said, HasSubstr("core 0\n"));
  EXPECT_LE(cuda.result("files"), 65536);
  EXPECT_EQ(cuda.result("oom"), 1000);
  EXPECT_EQ(cuda.result("no-new-privs"), 1);
  EXPECT_EQ(cuda.result("seccomp"), 2);
  EXPECT_THAT(cuda.said, HasSubstr("file-size -1\n"));
  EXPECT_THAT(misbehave({"limits"}, Kind::kPython).said, HasSubstr("file-size 1073741824\n"));
}

// --- files -------------------------------------------------------------------------

class Files : public testing::TestWithParam<Kind> {};

TEST_P(Files, CanBeChangedOnlyWhereTheDriverMust) {
  if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  for (const char* directory : {"/tmp", "/usr", "/etc", "/"}) {
    const Ran ran = misbehave({"change-files", directory}, GetParam());
    for (const auto& [what, error] : ran.results())
      EXPECT_TRUE(error == EACCES || error == ENOENT) << what << " in " << directory << error;
    EXPECT_EQ(ran.result("create"), EACCES) << directory;
    EXPECT_EQ(ran.result("mkdir"), EACCES) << directory;
  }
  const Ran shared = misbehave({"change-files", "/dev/shm"}, GetParam());
  EXPECT_THAT(shared.results(), SizeIs(6));
  for (const auto& [what, error] : shared.results()) EXPECT_EQ(error, 0) << what;
}

TEST_P(Files, ThatAreThereKeepTheirContents) {
  if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  test::Tree tree;
  tree.file("kept", "content");
  const Ran ran = misbehave({"existing-file", tree.at("kept")}, GetParam());
  EXPECT_EQ(ran.result("open"), EACCES);
  EXPECT_EQ(ran.result("truncating-open"), EACCES);
  EXPECT_EQ(ran.result("truncate"), EACCES);
  EXPECT_EQ(ran.result("read"), 0);
  EXPECT_EQ(test::read_file(tree.at("kept")), "content");
  // Landlock does not hold these; libcuda imports them.
  if (GetParam() != Kind::kPython) return;
  EXPECT_EQ(ran.result("chmod"), EPERM);
  EXPECT_EQ(ran.result("chown"), EPERM);
  EXPECT_THAT(ran.run.refused_calls, Contains("chmod"));
}

TEST_P(Files, CanBeChangedWhereItIsAskedFor) {
  const test::Tree tree;
  auto program = misbehaving({"change-files", tree.root()}, GetParam());
  program.sandbox.writable = {tree.root()};
  for (const auto& [what, error] : run_program(program).results()) EXPECT_EQ(error, 0) << what;
}

INSTANTIATE_TEST_SUITE_P(Of, Files, testing::Values(Kind::kCuda, Kind::kPython),
                         [](const auto& kind) {
                           return kind.param == Kind::kCuda ? "CudaProbe" : "PythonProbe";
                         });

TEST(Files, TheDriversCacheIsWritable) {
  test::Tree home;
  home.directory(".nv/ComputeCache");
  auto program = misbehaving({"change-files", home.at(".nv/ComputeCache")});
  program.environment.push_back("HOME=" + home.root());
  for (const auto& [what, error] : run_program(program).results()) EXPECT_EQ(error, 0) << what;
  program.arguments = {"change-files", home.root()};
  if (!has_landlock()) return;
  EXPECT_EQ(run_program(program).result("create"), EACCES);
}

TEST(ScratchDirectory, IsThePythonProbesOwnAndGoesWithIt) {
  const test::Tree temporary;
  auto program = misbehaving({"temporary-files"}, Kind::kPython);
  program.environment.push_back("TMPDIR=" + temporary.root());
  const Ran ran = run_program(program);
  EXPECT_THAT(ran.said, HasSubstr("directory " + temporary.root() + "/gpuinit-probe-"));
  EXPECT_EQ(ran.result("file"), 0);
  EXPECT_EQ(ran.result("tree"), 0);
  EXPECT_TRUE(std::filesystem::is_empty(temporary.root()));
  // What a symlink in it leads to stays.
  EXPECT_TRUE(std::filesystem::exists("/usr/bin"));
}

TEST(ScratchDirectory, IsNotForTheCudaProbe) {
  EXPECT_THAT(misbehave({"temporary-files"}).said, StartsWith("directory \n"));
}

std::string without_landlock(const ChildProgram& program) {
  return in_another_process([&]() -> std::string {
    if (!refuse({{kLandlockCreateRuleset, ENOSYS}})) return "no seccomp here";
    const Ran ran = run_program(program);
    return ran.said + ran.run.sandbox + ": " + names(ran.run.refused_calls);
  });
}

TEST(WithoutLandlock, PythonCanMakeAndRemoveNothing) {
  EXPECT_EQ(without_landlock(misbehaving({"change-files", "/dev/shm"}, Kind::kPython)),
            "create 30\nrename 30\nunlink 30\nmkdir 30\nrmdir 30\nsymlink 30\n"
            "seccomp: mkdir; openat; rename; rmdir; symlink; unlink (2 times); ");
}

TEST(WithoutLandlock, CudaCanMakeWhatTheDriverMakes) {
  const test::Tree tree;
  EXPECT_EQ(without_landlock(misbehaving({"change-files", tree.root()})),
            "create 0\nrename 0\nunlink 0\nmkdir 0\nrmdir 0\nsymlink 0\nseccomp: ");
}

// A character of ours, which is its parent: '.' unless the probe wrote there.
volatile char victim = '.';

std::string write_to_parent(Kind kind, const std::vector<test::Refusal>& refusals, unsigned uid) {
  return in_another_process([&]() -> std::string {
    if (uid != ::geteuid() && (::setgid(uid) != 0 || ::setuid(uid) != 0)) return "not root";
    if (::access(GPUINIT_MISBEHAVING_PROGRAM, X_OK) != 0) return "not root";
    ::prctl(PR_SET_DUMPABLE, 1);
    if (!refuse(refusals)) return "no seccomp here";
    const auto address = std::to_string(reinterpret_cast<std::uintptr_t>(&victim));
    const Ran ran = run_program(misbehaving({"write-to-parent", address}, kind));
    const char dumpable = ::prctl(PR_GET_DUMPABLE) == 1 ? '1' : '0';
    return ran.said + ran.not_started + victim + dumpable;
  });
}

// Root with every capability, root with what docker gives, a user: none reaches its parent.
TEST(Parent, IsOutOfReachWithoutLandlockToo) {
  for (const Kind kind : {Kind::kCuda, Kind::kPython})
    for (const int error : {0, ENOSYS})
      for (const unsigned uid : {::geteuid(), 12345U}) {
        const auto refusals = error == 0
                                  ? std::vector<test::Refusal>()
                                  : std::vector<test::Refusal>{{kLandlockCreateRuleset, error}};
        const std::string said = write_to_parent(kind, refusals, uid);
        if (said == "not root") continue;
        EXPECT_THAT(said, testing::MatchesRegex("open 13\nwrite (13|30)\nprocess_vm_writev 1\n"
                                                "ptrace 1\n\\.1"))
            << said << " uid " << uid << " Landlock " << error;
      }
}

// While gpuinit is not dumpable its files under /proc are root's.
TEST(Parent, OfAUserStillLetsTheOomKillerTakeTheProbeFirst) {
  const std::string said = in_another_process([]() -> std::string {
    if (::setgid(12345) != 0 || ::setuid(12345) != 0) return "oom 1000";
    if (::access(GPUINIT_MISBEHAVING_PROGRAM, X_OK) != 0) return "oom 1000";
    return misbehave({"limits"}).said;
  });
  EXPECT_THAT(said, HasSubstr("oom 1000"));
}

TEST(WithoutLandlock, PythonWritesIntoNoFileThatIsThere) {
  test::Tree tree;
  tree.file("kept", "content");
  const std::string said =
      without_landlock(misbehaving({"existing-file", tree.at("kept")}, Kind::kPython));
  EXPECT_THAT(said, StartsWith("open 30\ntruncating-open 30\ntruncate 30\nchmod 1\nchown 1\n"
                               "read 0\n"));
  EXPECT_EQ(test::read_file(tree.at("kept")), "content");
}

// --- hosts that refuse -------------------------------------------------------------

Ran on_a_host(const std::vector<test::Refusal>& refusals, const ChildProgram& program) {
  Ran ran;
  const std::string text = in_another_process([&]() -> std::string {
    if (!refuse(refusals)) return "no seccomp here";
    const Ran inside = run_program(program);
    return inside.said + "\1" + inside.run.sandbox + "\1" + names(inside.run.refused_calls) + "\1" +
           inside.ended;
  });
  std::istringstream parts(text);
  std::string refused;
  std::getline(parts, ran.said, '\1');
  std::getline(parts, ran.run.sandbox, '\1');
  std::getline(parts, refused, '\1');
  std::getline(parts, ran.ended, '\1');
  if (!refused.empty()) ran.run.refused_calls = {refused};
  return ran;
}

// An old kernel, or a container engine that listens already (EBUSY).
TEST(WithoutAListener, CallsAreRefusedAndTheirNamesAreNotKnown) {
  for (const int error : {EINVAL, EBUSY}) {
    const Ran ran = on_a_host({{SYS_seccomp, error, kNewListener, 1}}, misbehaving({"forbidden"}));
    EXPECT_THAT(ran.results(), SizeIs(testing::Ge(50U))) << ran.said;
    for (const auto& [name, result] : ran.results()) EXPECT_EQ(result, EPERM) << name;
    EXPECT_THAT(ran.run.sandbox,
                testing::EndsWith("; the names of refused calls are not known here"));
    EXPECT_THAT(ran.run.refused_calls, IsEmpty());
    EXPECT_EQ(on_a_host({{SYS_seccomp, error, kNewListener, 1}}, misbehaving({"unexpected"}))
                  .result("kcmp"),
              0);
  }
}

TEST(WithoutSeccomp, ARequiredSandboxMeansNoProbe) {
  for (const int error : {ENOSYS, EINVAL}) {
    const Ran ran = on_a_host({{SYS_seccomp, error}}, misbehaving({"limits"}));
    EXPECT_THAT(ran.said, StartsWith("not-started "));
    EXPECT_THAT(ran.said, HasSubstr(::strerror(error)));
    EXPECT_THAT(ran.said, HasSubstr("probe.sandbox = \"best-effort\""));
  }
}

TEST(WithoutSeccomp, BestEffortRunsAndSaysWhatIsNotHeld) {
  auto program = misbehaving({"limits"});
  program.sandbox.level = ProbeSandbox::kBestEffort;
  const Ran ran = on_a_host({{SYS_seccomp, ENOSYS}}, program);
  EXPECT_EQ(ran.result("no-new-privs"), 1);
  EXPECT_EQ(ran.ended, "exit status 0");
  EXPECT_EQ(ran.run.sandbox,
            std::string(has_landlock() ? "Landlock only, because " : "none, because ") +
                "this host refuses a seccomp filter: Function not implemented");
  const Ran nothing = on_a_host({{SYS_seccomp, ENOSYS}, {kLandlockCreateRuleset, ENOSYS}}, program);
  EXPECT_THAT(nothing.run.sandbox, StartsWith("none, because this host refuses"));
}

TEST(SandboxOff, HoldsNothingAndSaysSo) {
  auto program = misbehaving({"limits"});
  program.sandbox.level = ProbeSandbox::kOff;
  const Ran ran = run_program(program);
  EXPECT_EQ(ran.result("seccomp"), 0);
  EXPECT_EQ(ran.result("core"), 0) << "limits are no part of it";
  EXPECT_EQ(ran.run.sandbox, "none, because probe.sandbox is \"off\"");
}

TEST(WithoutSeccomp, TheCudaProbesAnswerSaysWhatToDo) {
  const test::FakeDriver driver("");
  EXPECT_THAT(in_another_process([&]() -> std::string {
                if (!refuse({{SYS_seccomp, ENOSYS}})) return "no seccomp here";
                return test::in_words(driver.ask());
              }),
              testing::AllOf(StartsWith("not started: this host refuses a seccomp filter"),
                             HasSubstr("\"best-effort\"")));
}

// --- what a healthy run does -------------------------------------------------------

TEST(Sandbox, AHealthyCudaProbeIsNeverInterrupted) {
  const auto answer = test::FakeDriver("devices 8 9.0 85899345920 NVIDIA H100\n").ask(true);
  ASSERT_EQ(answer.run.outcome, ProbeRun::Outcome::kAnswered) << answer.run.detail;
  EXPECT_THAT(answer.run.refused_calls, IsEmpty()) << names(answer.run.refused_calls);
  EXPECT_THAT(answer.run.unexpected_calls, IsEmpty()) << names(answer.run.unexpected_calls);
  EXPECT_THAT(answer.run.sandbox, StartsWith("seccomp"));
}

// --- what a refused call means for the answer -----------------------------------------

CudaProbeAnswer answered(int init_error, std::vector<std::string> refused) {
  CudaProbeAnswer answer;
  answer.run.outcome = ProbeRun::Outcome::kAnswered;
  answer.run.init_error = init_error;
  answer.run.refused_calls = std::move(refused);
  if (init_error == 100) answer.devices = std::vector<Device>{};
  if (init_error == 0) {
    Device good;
    good.context = ContextTrial{"cuMemcpyDtoH_v2", 0, true, true, "", 1};
    Device bad;
    bad.context = ContextTrial{"cuDevicePrimaryCtxRetain", 999, false, false, "", 1};
    answer.devices = std::vector<Device>{good, bad};
  }
  distrust_errors(answer);
  return answer;
}

TEST(ARefusedCall, MakesErrorsOfTheDriverUnknown) {
  for (const int error : {100, 999}) {
    const auto answer = answered(error, {"mount", "kill"});
    EXPECT_THAT(answer.run.init_error.reason(), HasSubstr("sandbox refused mount, kill"));
    EXPECT_THAT(answer.devices.reason(), HasSubstr("probe.sandbox = \"off\""));
  }
  const auto listed = answered(0, {"mount"});
  EXPECT_EQ(listed.run.init_error, Fact<int>(0));
  EXPECT_TRUE(listed.devices->at(0).context.known());
  EXPECT_THAT(listed.devices->at(1).context.reason(), HasSubstr("refused mount"));
}

TEST(ARefusedCall, IsNeededForThat) {
  EXPECT_EQ(answered(999, {}).run.init_error, Fact<int>(999));
  EXPECT_TRUE(answered(100, {}).devices.known());
  EXPECT_EQ(answered(0, {}).devices->at(1).context->cuda_error, 999);
}

TEST(ARefusedCall, InCuInitIsSeenInTheAnswer) {
  const auto answer = test::FakeDriver("forbidden cuInit\nfail cuInit 999\n").ask();
  EXPECT_EQ(answer.run.outcome, ProbeRun::Outcome::kAnswered) << answer.run.detail;
  EXPECT_THAT(answer.run.refused_calls, ElementsAre("mount"));
  EXPECT_TRUE(answer.run.init_error.is_unknown());
}

// --- misbehaviour ------------------------------------------------------------------

TEST(Misbehaving, Hangs) {
  for (const char* how : {"hang", "stubborn", "close-pipe"}) {
    const auto begin = Clock::now();
    EXPECT_EQ(misbehave({how}, Kind::kCuda, 300ms).ended, "deadline") << how;
    EXPECT_LT(Clock::now() - begin, 10s);
  }
}

TEST(Misbehaving, Floods) { EXPECT_EQ(misbehave({"flood"}).ended, "too much"); }

TEST(Misbehaving, Crashes) {
  EXPECT_EQ(misbehave({"segfault"}).ended, "ended by SIGSEGV");
  EXPECT_EQ(misbehave({"really-segfault"}).ended, "ended by SIGSEGV");
  const Ran aborted = misbehave({"abort"});
  EXPECT_EQ(aborted.ended, "ended by SIGABRT");
  EXPECT_THAT(aborted.run.refused_calls, IsEmpty()) << names(aborted.run.refused_calls);
}

TEST(Misbehaving, Exits) { EXPECT_EQ(misbehave({"exit", "3"}).ended, "exit status 3"); }

// A flood of questions does not keep gpuinit from looking at its clock.
TEST(Misbehaving, CallsForEver) {
  const auto begin = Clock::now();
  const Ran ran = misbehave({"call-for-ever"}, Kind::kCuda, 500ms);
  EXPECT_EQ(ran.ended, "deadline");
  EXPECT_LT(Clock::now() - begin, 10s);
  ASSERT_THAT(ran.run.refused_calls, SizeIs(1));
  EXPECT_THAT(ran.run.refused_calls[0], StartsWith("mount ("));
}

TEST(Misbehaving, TriesToLeaveItsGroup) {
  const std::string said = in_another_process([]() -> std::string {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // as PID 1 is
    const Ran ran = misbehave({"escape"}, Kind::kCuda, 5s);
    const int pid = ran.result("pid");
    if (ran.result("setsid") != EPERM || ran.result("setpgid") != EPERM) return ran.said;
    return pid > 1 && ::kill(pid, 0) != 0 && errno == ESRCH ? "gone" : "it lives";
  });
  EXPECT_EQ(said, "gone");
}

TEST(Misbehaving, SendsSignalsToItsParent) {
  EXPECT_EQ(in_another_process([]() -> std::string {
              const Ran ran = misbehave({"signal-parent"});
              return ran.said + names(ran.run.refused_calls);
            }),
            "kill 1\nkill; ");
}

// A memory cgroup that this process may make and enter; empty: there is none.
class SmallCgroup {
 public:
  SmallCgroup() {
    std::ifstream file("/proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
      const auto second = line.find(':', line.find(':') + 1);
      if (second == std::string::npos) continue;
      const std::string path = line.substr(second + 1);
      if (line.find(":memory:") != std::string::npos)
        make("/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes");
      else if (line.starts_with("0::")) make("/sys/fs/cgroup" + path, "memory.max");
    }
  }
  ~SmallCgroup() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  // False: it cannot be had here.
  bool enter() const {
    if (path_.empty()) return false;
    std::ofstream procs(path_ + "/cgroup.procs");
    procs << ::getpid() << std::flush;
    return procs.good();
  }

 private:
  void make(const std::string& parent, const std::string& limit) {
    if (!path_.empty()) return;
    const std::string path = parent + "/gpuinit-test-" + std::to_string(::getpid());
    if (::mkdir(path.c_str(), 0755) != 0) return;
    std::ofstream file(path + "/" + limit);
    file << (64 << 20) << std::flush;
    if (file.good()) path_ = path;
    else ::rmdir(path.c_str());
  }
  std::string path_;
};

TEST(Misbehaving, EatsAllMemory) {
  const SmallCgroup cgroup;
  const std::string ended = in_another_process([&]() -> std::string {
    if (!cgroup.enter()) return "no cgroup";
    return misbehave({"eat-memory"}).ended;
  });
  if (ended == "no cgroup") GTEST_SKIP() << "no memory cgroup can be made here";
  EXPECT_EQ(ended, "killed by the OOM killer (cgroup limit 64 MiB)");
}

TEST(Misbehaving, LeavesNothingBehindInTheParent) {
  for (const char* how : {"forbidden", "call-for-ever", "escape", "segfault", "limits"})
    EXPECT_EQ(in_another_process([&]() -> std::string {
                ::prctl(PR_SET_CHILD_SUBREAPER, 1);
                const auto files = [] {
                  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
                };
                const auto before = files();
                misbehave({how}, Kind::kCuda, 500ms);
                if (files() != before) return "a file is left open";
                return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD ? "clean"
                                                                              : "a child is left";
              }),
              "clean")
        << how;
}

}  // namespace
}  // namespace gpuinit::probe
