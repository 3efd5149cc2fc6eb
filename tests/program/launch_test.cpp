// After exec nothing shows that gpuinit was ever there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "base/json.h"
#include "base/text.h"
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

// What every failing end leaves for Kubernetes.
class TerminationMessage : public testing::Test {
 protected:
  TerminationMessage() { tree_.file("log", "of another start"); }

  // Of this log, and of checks that a machine without a GPU passes.
  Ran run(std::vector<std::string> words, RunOptions options = clean()) {
    words.insert(words.begin(), {"--set", "report.termination-log=" + tree_.at("log").string()});
    return gpuinit(words, options);
  }
  std::string log() { return run_program({"cat", tree_.at("log")}).out; }

  // The process's /dev/termination-log: the file "log".
  RunOptions with_built_in_log() {
    RunOptions options = clean();
    options.in_child = [log = tree_.at("log").string()] {
      if (::unshare(CLONE_NEWNS) != 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("tmpfs", "/dev", "tmpfs", 0, nullptr) != 0 ||
          ::symlink(log.c_str(), "/dev/termination-log") != 0)
        ::_exit(247);
    };
    return options;
  }

  Tree tree_;
};

TEST_F(TerminationMessage, OfAVerdictIsItsReportUnderALineForPrograms) {
  const Ran ran = run({"--set", "gpu.required=yes", "--set", "checks.torch.cuda-build=off",
                       "python3", "-c", "print('ran')"});
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.exit_code, 69);
  EXPECT_THAT(log(), HasSubstr("FAIL cuda.libcuda"));
  EXPECT_EQ(log(), "gpuinit 69 cuda.libcuda\n" + ran.err);
}

TEST_F(TerminationMessage, SaysWhatIsNeededAndWhatIsThere) {
  tree_.file("node.json", kH100Node);
  const Ran ran = run({"--check", "--node", tree_.at("node.json"), "--set", "gpu.count=>=8",
                       "--set", "gpu.required=yes", "--set", "checks.torch.cuda-build=off"});
  EXPECT_EQ(ran.exit_code, 69) << ran.err;
  EXPECT_THAT(log(), testing::StartsWith("gpuinit 69 device.present needs=>=8 has=1\n"));
  EXPECT_THAT(log(), testing::EndsWith("exit code 69: the node has no usable driver or GPU. Retry: "
                                       "on another node\n"));
}

TEST_F(TerminationMessage, OfACommandThatIsNotThere) {
  EXPECT_EQ(run({"/no/such/command"}).exit_code, 127);
  EXPECT_EQ(log(), "gpuinit 127 not-found\ngpuinit: /no/such/command does not exist\n");
  EXPECT_EQ(run({"--check", "--", "/no/such/command"}).exit_code, 127);
  EXPECT_THAT(log(), testing::StartsWith("gpuinit 127 not-found\n"));
}

// The kernel says it, when the checks are through.
TEST_F(TerminationMessage, OfACommandThatCannotBeExecuted) {
  tree_.executable("broken", std::string("\x7f"
                                         "ELF\2\1\1\0",
                                         8) +
                                 std::string(60, '\0'));
  for (const char* mode : {"exec", "supervise"}) {
    tree_.file("log", "");
    const Ran ran = run({"--set", "gpu.required=no", "--set", std::string("launch.mode=") + mode,
                         tree_.at("broken")});
    EXPECT_EQ(ran.exit_code, 126) << ran.err;
    EXPECT_THAT(log(), testing::StartsWith("gpuinit 126 not-executable\ngpuinit: ")) << mode;
    EXPECT_THAT(log(), HasSubstr("/broken")) << mode;
  }
}

TEST_F(TerminationMessage, OfAPolicyErrorIsInTheBuiltInFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can have a /dev of its own";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--set", "prob.timeout=3", "echo"},
        std::vector<std::string>{"--set", "prob.timeout=3", "--check"}}) {
    tree_.file("log", "");
    const Ran ran = gpuinit(words, with_built_in_log());
    EXPECT_EQ(ran.exit_code, 78) << ran.err;
    EXPECT_EQ(log(), "gpuinit 78 policy\n" + ran.err);
  }
}

TEST_F(TerminationMessage, ThatCannotBeWrittenIsTold) {
  const std::vector<std::string> failing{"--set", "report.termination-log=" + tree_.root(), "--set",
                                         "gpu.required=yes"};
  const auto with = [&](const std::vector<std::string>& more) {
    auto words = failing;
    words.insert(words.end(), more.begin(), more.end());
    return gpuinit(words);
  };
  const std::string told =
      "\ngpuinit: writing the termination log " + tree_.root() + ": not a regular file\n";
  EXPECT_THAT(with({"python3"}).err, testing::EndsWith(told));
  EXPECT_THAT(with({"--check"}).err, testing::EndsWith(told));
  EXPECT_THAT(with({"/no/such/command"}).err, testing::EndsWith(told));
  // Its standard error is read by programs.
  const Ran json = with({"--format", "json", "python3"});
  EXPECT_NE(json.exit_code, 0);
  for (const auto line : base::split_lines(json.err))
    EXPECT_TRUE(base::parse_json(line).ok()) << line;
}

TEST_F(TerminationMessage, IsNotThereForACommandThatStarts) {
  EXPECT_EQ(run({"--set", "gpu.required=no", "true"}).exit_code, 0);
  EXPECT_EQ(log(), "of another start");
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
