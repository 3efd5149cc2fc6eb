#include "assess/wait_for_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::assess {
namespace {

using namespace std::chrono_literals;
using testing::Eq;
using testing::HasSubstr;
using testing::Optional;

constexpr auto kNotReady = WaitFor::kSystemNotReady;
constexpr auto kNoGpu = WaitFor::kNoDevice;
constexpr auto kBusy = WaitFor::kBusy;

Policy waiting_for(std::vector<WaitFor> causes, const std::string& count = ">=1") {
  Policy policy;
  policy.wait.causes = std::move(causes);
  policy.gpu.count = count;
  return policy;
}

// cuInit said this.
NodeFacts after_init(int error) {
  NodeFacts node;
  ProbeRun run;
  run.outcome = ProbeRun::Outcome::kAnswered;
  run.init_error = error;
  node.probe = run;
  if (error == 100) node.devices = std::vector<Device>();
  return node;
}

// As many devices, and what became of a context on each.
NodeFacts with_devices(const std::vector<int>& errors) {
  NodeFacts node = after_init(0);
  std::vector<Device> devices;
  for (const int error : errors) {
    ContextTrial trial;
    trial.step = "cuDevicePrimaryCtxRetain";
    trial.cuda_error = error;
    Device device;
    device.context = trial;
    devices.push_back(device);
  }
  node.devices = devices;
  return node;
}

Finding failed(const char* id, int exit_code) {
  Finding finding;
  finding.id = id;
  finding.exit_code = exit_code;
  return finding;
}

TEST(ReasonToWait, IsWhatTheDriverSays) {
  EXPECT_THAT(reason_to_wait(after_init(802), {failed("device.present", kExitNotReady)},
                             waiting_for({kNotReady})),
              Optional(HasSubstr("cuInit says CUDA error 802")));
  EXPECT_THAT(
      reason_to_wait(after_init(100), {failed("device.present", kExitNode)}, waiting_for({kNoGpu})),
      Optional(Eq("the driver sees 0 GPUs, gpu.count is >=1")));
  EXPECT_THAT(reason_to_wait(with_devices({0, 0, 46}), {failed("device.context", kExitNotReady)},
                             waiting_for({kBusy})),
              Optional(HasSubstr("cuDevicePrimaryCtxRetain of GPU 2 says CUDA error 46")));
  // Memory that another process has, MPS that is starting.
  for (const int error : {2, 805, 807})
    EXPECT_TRUE(reason_to_wait(with_devices({error}), {}, waiting_for({kBusy}))) << error;
}

TEST(ReasonToWait, TheFabricMayShowAtAContextOnly) {
  EXPECT_TRUE(reason_to_wait(with_devices({802}), {failed("device.context", kExitNotReady)},
                             waiting_for({kNotReady})));
}

TEST(ReasonToWait, FewerDevicesThanWantedMayBecomeMoreButNotTheOtherWayRound) {
  const NodeFacts four = with_devices({0, 0, 0, 0});
  const std::vector<Finding> wrong_count{failed("device.present", kExitNode)};
  EXPECT_THAT(reason_to_wait(four, wrong_count, waiting_for({kNoGpu}, "8")),
              Optional(Eq("the driver sees 4 GPUs, gpu.count is 8")));
  EXPECT_FALSE(reason_to_wait(four, wrong_count, waiting_for({kNoGpu}, "2")));
  EXPECT_FALSE(reason_to_wait(four, {}, waiting_for({kNoGpu}, ">=4")));
  EXPECT_FALSE(reason_to_wait(after_init(100), {}, waiting_for({kNoGpu}, ">=0")));
}

TEST(ReasonToWait, IsNoneForWhatThePolicyDoesNotList) {
  EXPECT_FALSE(reason_to_wait(after_init(802), {}, waiting_for({})));
  EXPECT_FALSE(reason_to_wait(after_init(802), {}, waiting_for({kNoGpu, kBusy})));
  // One of two.
  EXPECT_FALSE(reason_to_wait(with_devices({802, 46}), {}, waiting_for({kNotReady})));
  EXPECT_TRUE(reason_to_wait(with_devices({802, 46}), {}, waiting_for({kBusy, kNotReady})));
}

TEST(ReasonToWait, IsNoneIfAllIsWellOrNobodyWasAsked) {
  const Policy all = waiting_for({kNotReady, kNoGpu, kBusy});
  EXPECT_FALSE(reason_to_wait(with_devices({0, 0}), {}, all));
  EXPECT_FALSE(reason_to_wait(NodeFacts(), {}, all));
  EXPECT_FALSE(reason_to_wait(after_init(803), {failed("device.present", kExitNode)}, all));
}

TEST(ReasonToWait, IsNoneIfSomethingElseFailsThatNoTimeCures) {
  const Policy all = waiting_for({kNotReady, kNoGpu, kBusy});
  EXPECT_FALSE(reason_to_wait(after_init(802), {failed("python.abi", kExitImage)}, all));
  EXPECT_FALSE(reason_to_wait(after_init(100), {failed("cuda.libcuda", kExitNode)}, all));
  // GPU 1 computed a wrong result.
  EXPECT_FALSE(reason_to_wait(
      with_devices({46, 0}),
      {failed("device.context", kExitNotReady), failed("device.context", kExitNode)}, all));
  // CUDA_VISIBLE_DEVICES names GPUs that may still come.
  EXPECT_TRUE(reason_to_wait(after_init(100), {failed("cuda.visible-devices", kExitNode)}, all));
  Finding warning = failed("python.abi", kExitImage);
  warning.severity = Severity::kWarn;
  EXPECT_TRUE(reason_to_wait(after_init(802), {warning}, all));
}

TEST(PauseBefore, DoublesToAQuarterOfAMinute) {
  std::vector<std::chrono::milliseconds> pauses;
  for (int asked = 1; asked <= 6; ++asked) pauses.push_back(pause_before(asked));
  EXPECT_THAT(pauses, testing::ElementsAre(1s, 2s, 4s, 8s, 15s, 15s));
  EXPECT_EQ(pause_before(1'000'000), 15s);
}

TEST(WaitForDriver, NeverSleepsPastTheDeadline) {
  std::vector<std::string> said;
  WaitForDriver wait(300ms, [&](std::string_view line) { said.emplace_back(line); });
  EXPECT_TRUE(wait.pause("why"));
  EXPECT_GE(wait.milliseconds(), 300);
  EXPECT_LT(wait.milliseconds(), 900);
  EXPECT_FALSE(wait.pause("why"));
  EXPECT_THAT(said, testing::ElementsAre("waiting for the GPUs: why; 0 s of 0.3 s"));
}

}  // namespace
}  // namespace gpuinit::assess
