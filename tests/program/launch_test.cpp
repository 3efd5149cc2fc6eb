// After exec nothing shows that gpuinit was ever there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "program/gpuinit_program.h"
#include "program/odd_state.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

std::string without_pid(const std::string& text) { return text.substr(text.find('\n')); }

RunOptions odd() {
  RunOptions options = clean({{"LISTEN_FDS", "1"}, {"ODD", "a=b\tc"}, {"EMPTY", ""}});
  options.directory = "/usr/lib";
  options.in_child = odd_state;
  return options;
}

void expect_same(const Ran& with, const Ran& without) {
  EXPECT_EQ(with.exit_code, 7);
  EXPECT_EQ(without.exit_code, 7);
  // The pipes have other numbers in the two runs.
  const auto comparable = [](const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      std::string line = text.substr(at, end - at);
      if (const auto pipe = line.find("pipe:"); pipe != std::string::npos) line.resize(pipe);
      result += line + "\n";
      at = end + 1;
    }
    return result;
  };
  EXPECT_EQ(comparable(without_pid(with.out)), comparable(without_pid(without.out)));
}

TEST(Launch, HandsOverArgumentsEnvironmentDirectoryFilesMaskAndDispositions) {
  const Ran without = run_program({SHOW_STATE_BINARY, "a", "", "b c"}, odd());
  const Ran with = gpuinit({"--set", "gpu.required=no", SHOW_STATE_BINARY, "a", "", "b c"}, odd());
  EXPECT_THAT(without.out, testing::ContainsRegex("fd 77 .* /etc/passwd"));
  EXPECT_THAT(without.out, testing::Not(HasSubstr("fd 0 ")));
  expect_same(with, without);
}

TEST(Launch, HandsOverTheSameAfterAProbe) {
  RunOptions options = odd();
  const Ran without = run_program({SHOW_STATE_BINARY}, options);
  const Ran with = gpuinit(
      {"--set", "gpu.required=yes", "--set", "checks.cuda.libcuda=warn", "--set",
       "checks.device.present=warn", "--set", "checks.torch.cuda-build=warn", SHOW_STATE_BINARY},
      options);
  EXPECT_THAT(with.err, HasSubstr("cuda.libcuda"));
  expect_same(with, without);
}

TEST(Launch, KeepsThePid) {
  RunOptions options = clean({{"GPUINIT", "off"}});
  const Ran ran = run_program(
      {"/bin/sh", "-c", "echo $$; exec \"$@\"", "sh", GPUINIT_BINARY, SHOW_STATE_BINARY}, options);
  const auto end = ran.out.find('\n');
  EXPECT_THAT(ran.out.substr(end + 1), testing::StartsWith("pid " + ran.out.substr(0, end) + "\n"));
}

TEST(Launch, OffLaunchesAtOnceWhateverThePolicySays) {
  const Ran ran =
      gpuinit({"echo", "on"}, clean({{"GPUINIT", "off"}, {"GPUINIT_POLICY", "/no/file"}}));
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, "on\n");
  EXPECT_THAT(ran.err, HasSubstr("GPUINIT=off, so this does not stop the launch"));
}

TEST(Launch, AMissingCommandIsToldBeforeAnythingIsChecked) {
  const Ran ran = gpuinit({"/no/such/command"});
  EXPECT_EQ(ran.exit_code, 127);
  EXPECT_EQ(ran.err, "gpuinit: /no/such/command does not exist\n");
}

TEST(Launch, APolicyErrorRunsNothing) {
  const Ran ran = gpuinit({"--set", "prob.timeout=3", "echo", "ran"});
  EXPECT_EQ(ran.exit_code, 78);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("probe.timeout"));
}

TEST(Launch, AFailingCheckRunsNothingAndFillsTheTerminationLog) {
  Tree tree;
  tree.file("log");
  const Ran ran = gpuinit({"--set", "gpu.required=yes", "--set", "checks.torch.cuda-build=off",
                           "--set", "report.termination-log=" + tree.at("log").string(), "python3",
                           "-c", "print('ran')"});
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.exit_code, 69);
  const Ran log = run_program({"cat", tree.at("log")});
  EXPECT_THAT(log.out, HasSubstr("cuda.libcuda"));
  EXPECT_EQ(log.out, ran.err);
}

TEST(Launch, QuietSaysNothingWhenAllIsWell) {
  const Ran ran =
      gpuinit({"--quiet", "--set", "gpu.required=no", "--set", "checks.torch.install=off", "true"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.err, "");
}

TEST(Launch, ABrokenStandardErrorStopsNothing) {
  RunOptions options = clean();
  options.in_child = [] {
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(252);
    ::close(ends[0]);
    ::dup2(ends[1], 2);
    ::close(ends[1]);
  };
  EXPECT_EQ(gpuinit({"--set", "gpu.required=no", "echo", "ran"}, options).out, "ran\n");
  options.in_child = [] { ::close(2); };
  EXPECT_EQ(gpuinit({"--set", "gpu.required=no", "echo", "ran"}, options).out, "ran\n");
}

TEST(Launch, AFullDiskUnderTheReportIsAnError) {
  RunOptions options = clean();
  options.in_child = [] {
    const int full = ::open("/dev/full", O_WRONLY);
    ::dup2(full, 1);
    ::close(full);
  };
  const Ran ran = gpuinit({"--facts"}, options);
  EXPECT_EQ(ran.exit_code, 75);
  EXPECT_THAT(ran.err, HasSubstr("No space left on device"));
}

TEST(Launch, WorksWithNoDescriptorToSpare) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan opens a pipe to look at an object's vptr, and reports one without it";
#endif
  RunOptions options = clean();
  options.in_child = [] {
    const rlimit few{16, 16};
    ::setrlimit(RLIMIT_NOFILE, &few);
  };
  EXPECT_EQ(gpuinit({"--set", "gpu.required=no", "echo", "ran"}, options).out, "ran\n");
}

}  // namespace
}  // namespace gpuinit::test
