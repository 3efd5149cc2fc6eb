// `podman stop`: every process in the container gets it, may clean up, and it does not take long.
#include <gmock/gmock.h>

#include "container/podman.h"

namespace gpuinit::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class Stop : public InContainers<> {};

constexpr char kSleepingPython[] = "import time; print('up', flush=True); time.sleep(100)";

// The engine would wait 10 s, and launch.grace is 8 s.
TEST_F(Stop, APythonWithoutAHandlerEndsAtOnce) {
  Container container(python(kSleepingPython));
  ASSERT_TRUE(container.says("up\n")) << container.said();
  EXPECT_LT(container.stop(), seconds(8));
  EXPECT_EQ(container.finish(), 128 + SIGTERM);
  EXPECT_THAT(container.said(), testing::Not(HasSubstr("killed")));
}

// What gpuinit is there for: the kernel drops a SIGTERM that PID 1 has no handler for.
TEST_F(Stop, WithoutAnInitTheSamePythonIsKilledAtTheTimeout) {
  Container container({"-c", kSleepingPython}, {"--entrypoint", "python"});
  ASSERT_TRUE(container.says("up\n")) << container.said();
  EXPECT_GE(container.stop({"--time", "2"}), seconds(2));
  EXPECT_EQ(container.finish(), 128 + SIGKILL);
}

TEST_F(Stop, AStubbornCommandIsKilledAfterTheGrace) {
  Container container(shell("trap '' TERM; echo up; while :; do sleep 0.1; done"),
                      {"-e", "GPUINIT_SET=launch.grace=1"});
  ASSERT_TRUE(container.says("up\n")) << container.said();
  const auto took = container.stop();
  EXPECT_GE(took, milliseconds(900));
  EXPECT_LT(took, seconds(8));
  EXPECT_EQ(container.finish(), 128 + SIGKILL);
  EXPECT_THAT(container.said(),
              testing::ContainsRegex("killed the command \\(pid [0-9]+\\), still there 1 s after"));
  EXPECT_THAT(podman({"logs", container.name()}).err, HasSubstr("launch.grace"));
}

// The last line of the logs tells whom to blame; the engine's SIGKILL would tell nothing.
TEST_F(Stop, AStubbornWorkerIsKilledAfterTheGraceAndNamed) {
  Container container(shell("(trap '' TERM; echo up; exec sleep 100) & exec sleep 200"),
                      {"-e", "GPUINIT_SET=launch.grace=1"});
  ASSERT_TRUE(container.says("up\n")) << container.said();
  EXPECT_LT(container.stop(), seconds(8));
  EXPECT_EQ(container.finish(), 128 + SIGTERM);
  EXPECT_THAT(podman({"logs", container.name()}).err,
              testing::ContainsRegex("killed what was still there 1 s after SIGTERM "
                                     "\\(launch.grace\\): sleep \\(pid [0-9]+\\)"));
}

// It is `tidy` that must come, though the command is gone at once.
TEST_F(Stop, AWorkerMayCleanUp) {
  Container container(
      shell("(trap 'sleep 0.3; echo tidy; exit' TERM; echo up; while :; do sleep 0.02; done) & "
            "exec sleep 100"));
  ASSERT_TRUE(container.says("up\n")) << container.said();
  container.stop();
  EXPECT_EQ(container.finish(), 128 + SIGTERM);
  EXPECT_THAT(container.said(), HasSubstr("tidy\n"));
}

TEST_F(Stop, AWorkerInASessionOfItsOwnToo) {
  Container container(
      shell("setsid sh -c \"trap 'sleep 0.3; echo tidy; exit' TERM; echo up; "
            "while :; do sleep 0.02; done\" & exec sleep 100"));
  ASSERT_TRUE(container.says("up\n")) << container.said();
  container.stop();
  EXPECT_EQ(container.finish(), 128 + SIGTERM);
  EXPECT_THAT(container.said(), HasSubstr("tidy\n"));
}

// As PID 1 ends, the kernel would kill it in the middle of its work.
TEST_F(Stop, AWorkerMayCleanUpWhenTheCommandEndsByItself) {
  const Ran ran = run_container(
      shell("(trap 'sleep 0.3; echo tidy; exit' TERM; while :; do sleep 0.02; done) & "
            "sleep 0.3; exit 4"));
  EXPECT_EQ(ran.exit_code, 4);
  EXPECT_EQ(ran.out, "tidy\n");
}

TEST_F(Stop, TheImagesStopSignalReachesTheCommand) {
  Container container(shell("trap 'echo interrupted; exit 4' INT; echo up; "
                            "while :; do sleep 0.02; done"),
                      {"--stop-signal", "SIGINT"});
  ASSERT_TRUE(container.says("up\n")) << container.said();
  EXPECT_LT(container.stop(), seconds(8));
  EXPECT_EQ(container.finish(), 4);
  EXPECT_THAT(container.said(), HasSubstr("interrupted\n"));
}

TEST_F(Stop, AnySignalOfPodmanKillReachesTheCommand) {
  Container container(
      shell("trap 'echo reload' HUP; trap 'echo one; exit 0' USR1; echo up; "
            "while :; do sleep 0.02; done"));
  ASSERT_TRUE(container.says("up\n")) << container.said();
  podman({"kill", "--signal", "HUP", container.name()});
  EXPECT_TRUE(container.says("reload\n"));
  podman({"kill", "--signal", "USR1", container.name()});
  EXPECT_EQ(container.finish(), 0);
  EXPECT_THAT(container.said(), HasSubstr("one\n"));
}

}  // namespace
}  // namespace gpuinit::test
