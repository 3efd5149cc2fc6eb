#include "launch/postmortem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace gpuinit::launch {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string said_of(const ExitContext& context) { return describe_exit(context).text; }

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

ExitContext killed() {
  ExitContext context;
  context.end = {.known = true, .status = 0, .signal = SIGKILL, .core_dumped = false};
  context.oom_kills_before = 1;
  context.memory = {1, 2 * kGiB, kGiB, std::nullopt};
  return context;
}

TEST(Postmortem, SuccessHasNone) {
  ExitContext context;
  context.end.known = true;
  EXPECT_EQ(said_of(context), "");
}

TEST(Postmortem, TheMemoryLimitKilled) {
  ExitContext context = killed();
  context.memory = {2, 2 * kGiB, 2 * kGiB, std::nullopt};
  EXPECT_THAT(said_of(context),
              HasSubstr("the container's memory limit killed one process meanwhile (limit 2.0 GiB, "
                        "peak 2.0 GiB)"));
}

TEST(Postmortem, AWorkerThatTheLimitKilledExplainsAnOrdinaryError) {
  ExitContext context = killed();
  context.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  context.memory = {4, 2 * kGiB, 2 * kGiB - 4096, std::nullopt};
  const std::string text = said_of(context);
  EXPECT_THAT(text, testing::StartsWith("the command exited with 1; "));
  EXPECT_THAT(text, HasSubstr("limit killed 3 processes meanwhile"));
}

TEST(Postmortem, TheNodesShortageIsNotTheContainersLimit) {
  ExitContext context = killed();
  context.memory.oom_kills = 2;
  const std::string text = said_of(context);
  EXPECT_THAT(text, HasSubstr("the kernel killed one process for lack of memory meanwhile"));
  EXPECT_THAT(text, HasSubstr("the node or a cgroup above this one ran short"));
  context.memory.limit.reset();
  EXPECT_EQ(said_of(context).find("limit"), std::string::npos) << said_of(context);
}

TEST(Postmortem, AnOldKillIsNotBlamed) {
  EXPECT_THAT(
      said_of(killed()),
      HasSubstr("the kernel killed nothing in this memory cgroup (limit 2.0 GiB, peak 1.0 GiB): "
                "somebody sent the SIGKILL"));
}

TEST(Postmortem, AKillThatCannotBeExplainedIsNotGuessed) {
  ExitContext context = killed();
  context.oom_kills_before.reset();
  EXPECT_THAT(said_of(context),
              HasSubstr("whether the memory limit killed it cannot be read here"));
  context.end.signal = SIGSEGV;
  EXPECT_THAT(said_of(context), Not(HasSubstr("memory limit")));
}

TEST(Postmortem, NamesTheSignalAndTheCore) {
  ExitContext context;
  context.end = {.known = true, .status = 0, .signal = SIGSEGV, .core_dumped = true};
  EXPECT_THAT(said_of(context),
              testing::StartsWith("the command was ended by SIGSEGV (core dumped)"));
}

TEST(Postmortem, OfASignalThatAProgramBringsUponItselfTheNextStepIsSaid) {
  ExitContext context;
  for (const auto& [signal, words] : {std::pair{SIGSEGV, "PYTHONFAULTHANDLER=1"},
                                      {SIGBUS, "/dev/shm"},
                                      {SIGILL, "/proc/cpuinfo"},
                                      {SIGABRT, "CUDA_LAUNCH_BLOCKING=1"}}) {
    context.end = {.known = true, .status = 0, .signal = signal, .core_dumped = false};
    EXPECT_THAT(said_of(context), HasSubstr(words));
    EXPECT_TRUE(describe_exit(context).says_why);
    // A shell between tells it so.
    context.end = {.known = true, .status = 128 + signal, .signal = 0, .core_dumped = false};
    EXPECT_THAT(said_of(context), HasSubstr(words));
  }
  context.end = {.known = true, .status = 0, .signal = SIGTERM, .core_dumped = false};
  EXPECT_EQ(said_of(context), "the command was ended by SIGTERM");
}

TEST(Postmortem, KnowsWhetherItSaysMoreThanHowItEnded) {
  ExitContext context;
  context.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  context.driver = {true, false, "8 devices"};
  EXPECT_FALSE(describe_exit(context).says_why);
  context.driver.lost = true;
  EXPECT_TRUE(describe_exit(context).says_why);
  context.driver = {};
  context.shared_memory = {64 << 20, 1 << 20};
  EXPECT_TRUE(describe_exit(context).says_why);
}

TEST(Postmortem, SharedMemoryThatIsFull) {
  ExitContext context;
  context.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  context.shared_memory = {64 << 20, 1 << 20};
  EXPECT_THAT(said_of(context), HasSubstr("/dev/shm is full (1.0 MiB free of 64.0 MiB)"));
  context.shared_memory.free_bytes = 32 << 20;
  EXPECT_THAT(said_of(context), Not(HasSubstr("/dev/shm")));
  context.end = {.known = true, .status = 0, .signal = SIGBUS, .core_dumped = false};
  EXPECT_THAT(said_of(context), HasSubstr("/dev/shm has only 64.0 MiB"));
}

TEST(Postmortem, TheDriver) {
  ExitContext context;
  context.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  EXPECT_THAT(said_of(context), Not(HasSubstr("driver")));
  context.driver = {true, false, "8 devices"};
  EXPECT_THAT(said_of(context), HasSubstr("the driver still answers (8 devices)"));
  context.driver = {true, true, "7 devices of 8"};
  EXPECT_THAT(said_of(context), HasSubstr("does not answer as it should (7 devices of 8)"));
}

}  // namespace
}  // namespace gpuinit::launch
