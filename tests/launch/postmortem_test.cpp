#include "launch/postmortem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace gpuinit::launch {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

Scene killed() {
  Scene scene;
  scene.end = {.known = true, .status = 0, .signal = SIGKILL, .core_dumped = false};
  scene.oom_kills_before = 1;
  scene.memory = {1, 2 * kGiB, kGiB, std::nullopt};
  return scene;
}

TEST(Postmortem, SuccessHasNone) {
  Scene scene;
  scene.end.known = true;
  EXPECT_EQ(describe_scene(scene), "");
}

TEST(Postmortem, TheMemoryLimitKilled) {
  Scene scene = killed();
  scene.memory = {2, 2 * kGiB, 2 * kGiB, std::nullopt};
  EXPECT_THAT(describe_scene(scene),
              HasSubstr("the container's memory limit killed one process meanwhile (limit 2.0 GiB, "
                        "peak 2.0 GiB)"));
}

TEST(Postmortem, AWorkerThatTheLimitKilledExplainsAnOrdinaryError) {
  Scene scene = killed();
  scene.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  scene.memory = {4, 2 * kGiB, 2 * kGiB - 4096, std::nullopt};
  const std::string text = describe_scene(scene);
  EXPECT_THAT(text, testing::StartsWith("the command exited with 1; "));
  EXPECT_THAT(text, HasSubstr("limit killed 3 processes meanwhile"));
}

TEST(Postmortem, TheNodesShortageIsNotTheContainersLimit) {
  Scene scene = killed();
  scene.memory.oom_kills = 2;
  const std::string text = describe_scene(scene);
  EXPECT_THAT(text, HasSubstr("the kernel killed one process for lack of memory meanwhile"));
  EXPECT_THAT(text, HasSubstr("the node or a cgroup above this one ran short"));
  scene.memory.limit.reset();
  EXPECT_EQ(describe_scene(scene).find("limit"), std::string::npos) << describe_scene(scene);
}

TEST(Postmortem, AnOldKillIsNotBlamed) {
  EXPECT_THAT(
      describe_scene(killed()),
      HasSubstr("the kernel killed nothing in this memory cgroup (limit 2.0 GiB, peak 1.0 GiB): "
                "somebody sent the SIGKILL"));
}

TEST(Postmortem, AKillThatCannotBeExplainedIsNotGuessed) {
  Scene scene = killed();
  scene.oom_kills_before.reset();
  EXPECT_THAT(describe_scene(scene),
              HasSubstr("whether the memory limit killed it cannot be read here"));
  scene.end.signal = SIGSEGV;
  EXPECT_EQ(describe_scene(scene), "the command was ended by SIGSEGV");
}

TEST(Postmortem, NamesTheSignalAndTheCore) {
  Scene scene;
  scene.end = {.known = true, .status = 0, .signal = SIGSEGV, .core_dumped = true};
  EXPECT_EQ(describe_scene(scene), "the command was ended by SIGSEGV (core dumped)");
}

TEST(Postmortem, SharedMemoryThatIsFull) {
  Scene scene;
  scene.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  scene.shared_memory = {64 << 20, 1 << 20};
  EXPECT_THAT(describe_scene(scene), HasSubstr("/dev/shm is full (1.0 MiB free of 64.0 MiB)"));
  scene.shared_memory.free = 32 << 20;
  EXPECT_THAT(describe_scene(scene), Not(HasSubstr("/dev/shm")));
  scene.end = {.known = true, .status = 0, .signal = SIGBUS, .core_dumped = false};
  EXPECT_THAT(describe_scene(scene), HasSubstr("/dev/shm has only 64.0 MiB"));
}

TEST(Postmortem, TheDriver) {
  Scene scene;
  scene.end = {.known = true, .status = 1, .signal = 0, .core_dumped = false};
  EXPECT_THAT(describe_scene(scene), Not(HasSubstr("driver")));
  scene.driver = {true, false, "8 devices"};
  EXPECT_THAT(describe_scene(scene), HasSubstr("the driver still answers (8 devices)"));
  scene.driver = {true, true, "7 devices of 8"};
  EXPECT_THAT(describe_scene(scene), HasSubstr("does not answer as it should (7 devices of 8)"));
}

}  // namespace
}  // namespace gpuinit::launch
