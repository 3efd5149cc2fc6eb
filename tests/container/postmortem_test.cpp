// The paragraph after a failure, for failures that really happen to a container.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "container/podman.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

class Postmortem : public InContainers<> {};

// The kernel of this machine can limit memory: v1's controller has a directory, v2 a word.
bool has_memory_controller() {
  std::ifstream file("/sys/fs/cgroup/cgroup.controllers");
  const std::string controllers{std::istreambuf_iterator<char>(file), {}};
  return std::filesystem::exists("/sys/fs/cgroup/memory") ||
         controllers.find("memory") != std::string::npos;
}

TEST_F(Postmortem, NamesTheMemoryLimitThatKilledTheCommand) {
  if (!has_memory_controller()) GTEST_SKIP() << "this machine has no memory controller";
  const Ran ran = run_container(python("keep = [b'x' * (1 << 20) for _ in range(500)]"),
                                {"--memory", "64m", "--memory-swap", "64m"});
  EXPECT_EQ(ran.exit_code, 137) << "can podman limit memory here? " << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("the command was ended by SIGKILL; the container's memory limit "
                                 "killed one process meanwhile (limit 64.0 MiB"));
}

// The command lives, and fails because its worker was killed: a DataLoader's usual story.
TEST_F(Postmortem, NamesTheMemoryLimitThatKilledAWorker) {
  if (!has_memory_controller()) GTEST_SKIP() << "this machine has no memory controller";
  const Ran ran =
      run_container(python("import os, sys\n"
                           "worker = os.fork()\n"
                           "if worker == 0: keep = [b'x' * (1 << 20) for _ in range(500)]\n"
                           "sys.exit(9 if os.waitpid(worker, 0)[1] == 9 else 0)\n"),
                    {"--memory", "64m", "--memory-swap", "64m"});
  EXPECT_EQ(ran.exit_code, 9) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("the command exited with 9; the container's memory limit killed "
                                 "one process meanwhile"));
}

TEST_F(Postmortem, NamesAFullSharedMemory) {
  const Ran ran = run_container(
      shell("dd if=/dev/zero of=/dev/shm/tensor bs=64k count=100 2>/dev/null || exit 3"),
      {"--shm-size", "1m"});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("the command exited with 3; /dev/shm is full "
                                 "(0 bytes free of 1.0 MiB)"));
}

TEST_F(Postmortem, NamesACrash) {
  const Ran ran = run_container(python("import ctypes; ctypes.string_at(0)"));
  EXPECT_EQ(ran.exit_code, 128 + SIGSEGV);
  EXPECT_THAT(ran.err, HasSubstr("the command was ended by SIGSEGV"));
  EXPECT_THAT(ran.err, testing::Not(HasSubstr("memory limit")));
}

TEST_F(Postmortem, SaysNothingOfASuccess) {
  EXPECT_THAT(run_container({"true"}).err, testing::Not(HasSubstr("the command")));
}

}  // namespace
}  // namespace gpuinit::test
