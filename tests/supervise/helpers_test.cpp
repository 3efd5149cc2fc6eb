// What gpuinit starts beside the command must not cost the command anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#include "checks/run_checks.h"
#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

// No check stops the launch; read-ahead is on.
std::vector<std::string> launched(const std::string& program, const std::string& mode,
                                  const std::vector<std::string>& command) {
  std::vector<std::string> words{program, "--quiet", "--set", "launch.mode=" + mode};
  for (const auto& check : checks::catalogue())
    words.insert(words.end(), {"--set", "checks." + std::string(check.id) + "=warn"});
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

class FewProcesses : public testing::TestWithParam<std::tuple<const char*, int>> {};

// Regression list: tini starts a command where two processes are allowed; read-ahead left too few
// for that.
TEST_P(FewProcesses, AreEnoughIfTheKernelNeedsNoMore) {
  const auto [mode, limit] = GetParam();
  Tree tree;
  std::filesystem::permissions(tree.root(), std::filesystem::perms::others_all,
                               std::filesystem::perm_options::add);
  std::filesystem::copy_file(GPUINIT_BINARY, tree.at("gpuinit"));
  RunOptions options = clean({{"ASAN_OPTIONS", "detect_leaks=0"}});
  // A user each: other processes of the same would count.
  const uid_t user = 54'400 + static_cast<uid_t>(limit) + (mode == std::string("exec") ? 10 : 0);
  options.in_child = [limit = limit, user] {
    const rlimit processes{static_cast<rlim_t>(limit), static_cast<rlim_t>(limit)};
    ::setrlimit(RLIMIT_NPROC, &processes);
    if (::setgid(user) != 0 || ::setuid(user) != 0) ::_exit(248);
  };
  const Ran ran = run_program(
      launched(tree.at("gpuinit"), mode, {"/usr/bin/python3", "-S", "-c", "raise SystemExit(7)"}),
      options);
  const int needed = std::string(mode) == "exec" ? 1 : 2;
  EXPECT_EQ(ran.exit_code, limit >= needed ? 7 : 75) << ran.err;
}

INSTANTIATE_TEST_SUITE_P(Mode, FewProcesses,
                         testing::Combine(testing::Values("exec", "supervise"),
                                          testing::Range(1, 7)));

class HungHelper : public testing::TestWithParam<Place> {};

// A process that is traced so stays there after SIGKILL until its tracer looks, as one does that a
// driver or a disk holds.
TEST_P(HungHelper, IsNeverTheCommandsChild) {
  Tree tree;
  tree.file("driver", "devices 1 9.0 85899345920 NVIDIA H100\nhang cuInit\n");
  RunOptions options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                              {"CUDA_FAKE_CONFIG", tree.at("driver")},
                              {"ASAN_OPTIONS", "detect_leaks=0"}});
  constexpr char kWaits[] =
      "import os\n"
      "try: print('got', os.wait())\n"
      "except ChildProcessError: print('no child')\n";
  std::vector<std::string> words =
      launched(GPUINIT_BINARY, "exec", {"/usr/bin/python3", "-S", "-c", kWaits});
  words.insert(words.begin() + 1, {"--set", "gpu.required=yes", "--set", "warmup.pages=off",
                                   "--set", "probe.timeout=2"});
  RunningProgram running(words, options, GetParam());
  for (int i = 0; i < 1000 && running.children().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ASSERT_EQ(running.children().size(), 1U) << running.said();
  const pid_t helper = running.children().front();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, helper, nullptr, PTRACE_O_TRACEEXIT), 0);
  EXPECT_TRUE(running.says("no child", 1, std::chrono::seconds(15))) << running.said();
  // The kernel does not let PID 1 go before every other process has gone.
  if (GetParam() == Place::kPid1) ::ptrace(PTRACE_DETACH, helper, nullptr, nullptr);
  EXPECT_EQ(running.finish(std::chrono::seconds(5)), 0) << "launch.grace is 8 s";
  ::ptrace(PTRACE_DETACH, helper, nullptr, nullptr);
  EXPECT_THAT(running.said(), HasSubstr("the command is supervised, not executed in our place"));
}

INSTANTIATE_TEST_SUITE_P(Places, HungHelper, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

}  // namespace
}  // namespace gpuinit::test
