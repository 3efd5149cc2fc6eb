// `podman run --init --init-path gpuinit`: the engine's init in an image that knows nothing of it.
#include <gmock/gmock.h>

#include "container/podman.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

class EngineInit : public InContainers<> {
 protected:
  static Words options() { return {"--init", "--init-path", GPUINIT_BINARY}; }
};

TEST_F(EngineInit, RunsTheCommandUnderTheEnginesName) {
  const Ran ran = run_container(shell("tr '\\0' ' ' < /proc/1/cmdline; exit 7"), options(), kTorch);
  EXPECT_EQ(ran.exit_code, 7);
  EXPECT_THAT(ran.out, testing::StartsWith("/run/podman-init -- sh -c"));
  EXPECT_THAT(ran.err, HasSubstr("gpuinit: ok: "));
}

TEST_F(EngineInit, StopsAtOnce) {
  Container container(python("import time; print('up', flush=True); time.sleep(100)"), options(),
                      kTorch);
  ASSERT_TRUE(container.says("up\n")) << container.said();
  EXPECT_LT(container.stop(), std::chrono::seconds(8));
  EXPECT_EQ(container.finish(), 128 + SIGTERM);
}

TEST_F(EngineInit, Reaps) {
  const Ran ran = run_container(python(kOrphan), options(), kTorch);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "reaped\n");
}

TEST_F(EngineInit, SwitchedOffIsAnInitAndNothingElse) {
  Words words = options();
  words.insert(words.end(), {"--env", "GPUINIT=off"});
  const Ran ran = run_container(shell("exit 0"), words, kTorch);
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.err, "");
}

}  // namespace
}  // namespace gpuinit::test
