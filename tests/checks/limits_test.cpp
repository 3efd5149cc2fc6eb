#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1ULL << 20;

Facts with_shm(std::uint64_t bytes, std::uint64_t free) {
  auto story = healthy();
  story.node.shared_memory = SharedMemory{bytes, free};
  return story;
}

TEST(LimitsShm, WhatDockerGivesByDefaultIsWorthAWarning) {
  EXPECT_THAT(verdicts(with_shm(64 * kMiB, 64 * kMiB), usual()), ElementsAre("~limits.shm"));
  const auto finding = only(with_shm(64 * kMiB, 64 * kMiB), "limits.shm");
  EXPECT_EQ(finding.summary, "/dev/shm has only 64 MiB");
  EXPECT_EQ(finding.needs, ">67108864");
  EXPECT_EQ(finding.has, "67108864");
  for (const char* cure : {"--shm-size", "--ipc=host", "medium: Memory"})
    EXPECT_THAT(finding.fix, HasSubstr(cure));
  Policy strict;
  strict.checks["limits.shm"] = Level::kFail;
  EXPECT_THAT(verdicts(with_shm(64 * kMiB, 64 * kMiB), strict), ElementsAre("limits.shm=69"));
}

// Every plain `docker run` has 64 MiB: told only where processes will share it.
TEST(LimitsShm, OneGpuAndAPlainCommandSayNothing) {
  auto story = with_shm(64 * kMiB, 64 * kMiB);
  story.node.devices->resize(1);
  story.image.command = {"python", "train.py", "--name", "vllm-like"};
  EXPECT_THAT(verdicts(story, usual()), IsEmpty());
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"/opt/venv/bin/torchrun", "train.py"},
        {"python", "-m", "torch.distributed.run", "train.py"},
        {"vllm", "serve", "m"},
        {"python3", "-m", "sglang.launch_server"}}) {
    story.image.command = command;
    EXPECT_THAT(verdicts(story, usual()), ElementsAre("~limits.shm")) << command.back();
  }
  // What the command was followed to.
  story.image.command = {"/entry.sh"};
  story.image.program =
      Program{"/usr/bin/python3", "-m vllm.entrypoints.openai.api_server", {}, ""};
  EXPECT_FALSE(says_nothing(story, "limits.shm", usual()));
  story.image.program = Fact<Program>::unknown("not followed");
  // Unknown devices: their files.
  story.image.command = {"python", "train.py"};
  story.node.devices = Fact<std::vector<Device>>::unknown("not asked");
  EXPECT_FALSE(says_nothing(story, "limits.shm", usual()));
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidia0", 0}};
  EXPECT_TRUE(says_nothing(story, "limits.shm", usual()));
}

TEST(LimitsShm, MoreThanThatWasChosenBySomebody) {
  EXPECT_THAT(verdicts(with_shm(65 * kMiB, 65 * kMiB)), IsEmpty());
  EXPECT_THAT(verdicts(with_shm(1024 * kMiB, 100 * kMiB)), IsEmpty());
}

TEST(LimitsShm, FullOrMissingIsWorthAWarningToo) {
  EXPECT_EQ(only(with_shm(1024 * kMiB, 2 * kMiB), "limits.shm").summary,
            "/dev/shm is full: 2 MiB of 1024 MiB are free");
  auto story = healthy();
  story.node.shared_memory = Fact<SharedMemory>::absent("there is no /dev/shm");
  EXPECT_EQ(only(story, "limits.shm").summary, "there is no /dev/shm");
  story.node.shared_memory = Fact<SharedMemory>();
  EXPECT_EQ(only(story, "limits.shm").severity, Severity::kUndecided);
}

TEST(LimitsShm, ACpuJobIsNotBothered) {
  auto story = facts(python("3.12.4", "312"), cpu_torch(), no_gpu_machine());
  story.node.shared_memory = SharedMemory{64 * kMiB, 64 * kMiB};
  EXPECT_THAT(verdicts(story), IsEmpty());
}

Facts with_rdma(Fact<std::uint64_t> memlock, Fact<bool> ipc_lock) {
  auto story = healthy();
  story.node.rdma_devices = std::vector<std::string>{"/dev/infiniband/uverbs0"};
  story.node.limits = {std::move(memlock), std::move(ipc_lock)};
  return story;
}

TEST(LimitsMemlock, ALowLimitBesideRdmaDevicesIsWorthAWarning) {
  for (const std::uint64_t limit : {std::uint64_t{65536}, 8 * kMiB})
    EXPECT_THAT(verdicts(with_rdma(limit, false), usual()), ElementsAre("~limits.memlock"))
        << limit;
  const auto finding = only(with_rdma(65536U, false), "limits.memlock");
  EXPECT_THAT(finding.summary, HasSubstr("64 KiB"));
  EXPECT_THAT(finding.fix, HasSubstr("memlock=-1"));
}

TEST(LimitsMemlock, NoLimitOrTheCapabilityIsFine) {
  EXPECT_THAT(verdicts(with_rdma(Fact<std::uint64_t>::absent("unlimited"), false)), IsEmpty());
  EXPECT_THAT(verdicts(with_rdma(65536U, true)), IsEmpty());
  EXPECT_THAT(verdicts(with_rdma(1024 * kMiB, false)), IsEmpty());
  EXPECT_THAT(verdicts(with_rdma(Fact<std::uint64_t>(), false)), IsEmpty());
  EXPECT_THAT(verdicts(with_rdma(65536U, Fact<bool>())), IsEmpty());
}

TEST(LimitsMemlock, WithoutRdmaItDoesNotMatter) {
  auto story = with_rdma(65536U, false);
  story.node.rdma_devices = std::vector<std::string>{};
  EXPECT_THAT(verdicts(story), IsEmpty());
  story.node.rdma_devices = Fact<std::vector<std::string>>();
  EXPECT_THAT(verdicts(story), IsEmpty());
}

}  // namespace
}  // namespace gpuinit::checks
