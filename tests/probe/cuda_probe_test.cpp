// The whole probe against drivers that work, fail and misbehave.
#include "probe/cuda/cuda_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <thread>

#include "fake_driver.h"

namespace gpuinit::probe {
namespace {

using namespace std::chrono_literals;
using test::FakeDriver;
using test::in_words;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using Outcome = ProbeRun::Outcome;

constexpr char kEightGpus[] = "driver-version 12020\ndevices 8 9.0 85899345920 NVIDIA H100\n";

TEST(CudaProbe, DescribesEveryDevice) {
  const FakeDriver driver(
      "driver-version 12080\n"
      "devices 1 9.0 85899345920 NVIDIA H100 80GB HBM3\n"
      "devices 1 8.0 5100273664 NVIDIA A100-SXM4-40GB MIG 1g.5gb\n"
      "devices 1 12.0 34359738368 NVIDIA GeForce RTX 5090\n"
      "mig 1\ncompute-mode 2 3\n"
      "devices 1 8.0 5100273664 NVIDIA A100-SXM4-40GB\nmig 3\n");
  const auto answer = driver.ask();
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  EXPECT_EQ(answer.run.detail, "");
  EXPECT_TRUE(answer.run.load_error.is_absent());
  EXPECT_EQ(answer.run.init_error, Fact<int>(0));
  EXPECT_GT(answer.run.milliseconds, 0);
  EXPECT_EQ(answer.cuda_version, Fact<std::string>("12.8"));
  ASSERT_TRUE(answer.devices);
  ASSERT_THAT(*answer.devices, SizeIs(4));
  const auto& [h100, mig, gaming] =
      std::tie(answer.devices->at(0), answer.devices->at(1), answer.devices->at(2));
  EXPECT_EQ(*h100.name, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(*h100.uuid, "GPU-10111213-1415-1617-1819-1a1b1c1d1e00");
  EXPECT_EQ(*h100.compute_capability, "9.0");
  EXPECT_EQ(*h100.memory_bytes, 85899345920U);
  EXPECT_EQ(*h100.mig, false);
  EXPECT_EQ(*h100.compute_mode, "default");
  EXPECT_EQ(h100.context, Fact<ContextTrial>::unknown("not asked for"));
  EXPECT_EQ(*mig.uuid, "MIG-a0a1a2a3-a4a5-a6a7-a8a9-aaabacadae01");
  EXPECT_EQ(*mig.mig, true);
  // Its name does not say so, its two UUIDs do.
  EXPECT_EQ(*answer.devices->at(3).mig, true);
  EXPECT_EQ(*answer.devices->at(3).uuid, "MIG-a0a1a2a3-a4a5-a6a7-a8a9-aaabacadae03");
  EXPECT_EQ(*gaming.mig, false);
  EXPECT_EQ(*gaming.compute_capability, "12.0");
  EXPECT_EQ(*gaming.compute_mode, "exclusive-process");
}

TEST(CudaProbe, OneDeviceThatCannotBeAskedDoesNotHideTheOthers) {
  const FakeDriver driver(std::string(kEightGpus) +
                          "fail cuDeviceGet@3 101\nfail cuDeviceGetName@4 999\n");
  const auto answer = driver.ask(true);
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  ASSERT_THAT(*answer.devices, SizeIs(8));
  EXPECT_EQ(answer.devices->at(3).name.reason(), "cuDeviceGet: CUDA error 101");
  EXPECT_TRUE(answer.devices->at(3).context.is_unknown());
  EXPECT_EQ(answer.devices->at(4).name.reason(), "cuDeviceGetName: CUDA error 999");
  EXPECT_EQ(*answer.devices->at(4).compute_capability, "9.0");
  EXPECT_TRUE(answer.devices->at(7).context);
}

TEST(CudaProbe, AnOlderDriverLacksCallsAndSaysSo) {
  const FakeDriver driver("devices 1 8.0 1000000 NVIDIA A100\n", "old");
  const auto answer = driver.ask(true);
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  const Device& device = answer.devices->at(0);
  EXPECT_EQ(*device.uuid, "GPU-10111213-1415-1617-1819-1a1b1c1d1e00");
  EXPECT_TRUE(device.mig.is_unknown());
  EXPECT_EQ(device.memory_bytes.reason(), "libcuda.so.1 has no cuDeviceTotalMem_v2");
  EXPECT_EQ(device.context.reason(), "libcuda.so.1 has no cuLaunchKernel");
}

TEST(CudaProbe, AnOlderDriverDoesNotTellTheUuidOfAMigInstance) {
  const FakeDriver driver("devices 1 8.0 1000000 NVIDIA A100 MIG 1g.5gb\n", "old");
  const auto answer = driver.ask();
  EXPECT_EQ(*answer.devices->at(0).mig, true);
  EXPECT_TRUE(answer.devices->at(0).uuid.is_unknown());
}

TEST(CudaProbe, WithoutLibcudaTheLoadersReasonIsTold) {
  const test::Tree empty;
  CudaProbeOptions options;
  options.installed_path.clear();
  options.environment = {{"LD_LIBRARY_PATH", empty.root()}};
  const auto answer = CudaProbe::start(options).collect();
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  ASSERT_TRUE(answer.run.load_error) << "this machine has a libcuda.so.1 of its own";
  EXPECT_THAT(*answer.run.load_error, HasSubstr("libcuda.so.1"));
  EXPECT_EQ(answer.devices.reason(), "libcuda.so.1 was not loaded");
}

TEST(CudaProbe, ALibraryThatIsNoneIsALoadError) {
  test::Tree broken;
  broken.file("libcuda.so.1", std::string(4096, '\x01'));
  CudaProbeOptions options;
  options.installed_path.clear();
  options.environment = {{"LD_LIBRARY_PATH", broken.root()}};
  const auto answer = CudaProbe::start(options).collect();
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  EXPECT_THAT(answer.run.load_error.value_or(""), HasSubstr("invalid ELF header"));
}

TEST(CudaProbe, InitErrorsAreFacts) {
  for (const int error : {3, 34, 46, 100, 101, 304, 802, 803, 804, 999}) {
    const FakeDriver driver("fail cuInit " + std::to_string(error) + "\n");
    const auto answer = driver.ask();
    ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
    EXPECT_EQ(answer.run.init_error, Fact<int>(error));
    EXPECT_EQ(answer.cuda_version, Fact<std::string>("12.4"));
    if (error == 100) EXPECT_THAT(*answer.devices, IsEmpty());
    else EXPECT_EQ(answer.devices.reason(), "cuInit: CUDA error " + std::to_string(error));
  }
}

TEST(CudaProbe, AStubLibraryHasNoVersion) {
  const auto answer = FakeDriver("fail cuDriverGetVersion 34\nfail cuInit 34\n").ask();
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  EXPECT_EQ(answer.cuda_version.reason(), "cuDriverGetVersion: CUDA error 34");
  EXPECT_EQ(answer.run.init_error, Fact<int>(34));
}

TEST(CudaProbe, DevicesThatCannotBeCountedAreUnknown) {
  const auto answer = FakeDriver("fail cuDeviceGetCount 3\n").ask();
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  EXPECT_EQ(answer.devices.reason(), "cuDeviceGetCount: CUDA error 3");
}

// --- contexts ----------------------------------------------------------------

ContextTrial trial_of(const FakeDriver& driver, std::size_t device = 0) {
  const auto answer = driver.ask(true);
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  if (!answer.devices || !answer.devices->at(device).context) {
    ADD_FAILURE() << "no trial: " << answer.devices->at(device).context.reason();
    return {};
  }
  return *answer.devices->at(device).context;
}

TEST(ContextTrial, RunsAKernelOnEveryDeviceAndChecksEveryWord) {
  const auto answer = FakeDriver(kEightGpus).ask(true);
  ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
  ASSERT_THAT(*answer.devices, SizeIs(8));
  for (const Device& device : *answer.devices) {
    ASSERT_TRUE(device.context) << device.context.reason();
    EXPECT_EQ(device.context->cuda_error, 0);
    EXPECT_TRUE(device.context->kernel_ran);
    EXPECT_TRUE(device.context->result_correct);
    EXPECT_EQ(device.context->note, "");
    EXPECT_EQ(*device.memory_free_bytes, 85899345920U / 16 * 15);
  }
}

TEST(ContextTrial, OneWrongWordIsSeen) {
  for (const int word : {0, 511, 1023}) {
    const auto trial = trial_of(
        FakeDriver(std::string(kEightGpus) + "wrong-result 5 " + std::to_string(word) + "\n"), 5);
    EXPECT_EQ(trial.cuda_error, 0);
    EXPECT_TRUE(trial.kernel_ran);
    EXPECT_FALSE(trial.result_correct) << word;
  }
}

TEST(ContextTrial, AKernelThatDoesNothingIsSeen) {
  const auto trial = trial_of(FakeDriver(std::string(kEightGpus) + "idle-kernel 2\n"), 2);
  EXPECT_EQ(trial.cuda_error, 0);
  EXPECT_FALSE(trial.result_correct);
}

TEST(ContextTrial, AnErrorIsToldWithItsCall) {
  for (const auto& [call, error] : std::map<std::string, int>{{"cuDevicePrimaryCtxRetain", 2},
                                                              {"cuCtxSetCurrent", 201},
                                                              {"cuMemGetInfo_v2", 999},
                                                              {"cuMemAlloc_v2", 2},
                                                              {"cuMemsetD32_v2", 1},
                                                              {"cuModuleLoadDataEx", 2},
                                                              {"cuModuleGetFunction", 500},
                                                              {"cuLaunchKernel", 719},
                                                              {"cuCtxSynchronize", 214},
                                                              {"cuMemcpyDtoH_v2", 700}}) {
    const auto trial = trial_of(FakeDriver("fail " + call + " " + std::to_string(error) + "\n"));
    EXPECT_EQ(trial.step, call);
    EXPECT_EQ(trial.cuda_error, error);
    EXPECT_FALSE(trial.result_correct);
    EXPECT_EQ(trial.note, "");
  }
}

TEST(ContextTrial, AProhibitedDeviceIsUnavailable) {
  const auto trial = trial_of(FakeDriver("devices 1 9.0 1 X\ncompute-mode 0 2\n"));
  EXPECT_EQ(trial.cuda_error, 46);
  EXPECT_EQ(trial.step, "cuDevicePrimaryCtxRetain");
}

// What concerns our PTX says nothing about torch's own code.
TEST(ContextTrial, WithoutAJitCompilerMemoryIsTriedInstead) {
  for (const char* call : {"cuModuleLoadDataEx", "cuModuleGetFunction", "cuLaunchKernel"})
    for (const char* error : {"200", "209", "218", "221", "222", "223"}) {
      const auto trial = trial_of(FakeDriver(std::string("fail ") + call + " " + error + "\n"));
      EXPECT_EQ(trial.cuda_error, 0);
      EXPECT_FALSE(trial.kernel_ran);
      EXPECT_TRUE(trial.result_correct);
      EXPECT_EQ(trial.note, std::string("no kernel was run, only memory operations: ") + call +
                                ": CUDA error " + error);
    }
}

TEST(ContextTrial, AfterADeviceThatHangsTheDevicesAreStillKnown) {
  const FakeDriver driver(std::string(kEightGpus) + "hang cuDevicePrimaryCtxRetain@3\n");
  const auto answer = driver.ask_within(400ms, true);
  EXPECT_EQ(answer.run.outcome, Outcome::kTimedOut);
  EXPECT_EQ(answer.run.last_step, "cuDevicePrimaryCtxRetain 3");
  EXPECT_EQ(answer.cuda_version, Fact<std::string>("12.2"));
  ASSERT_TRUE(answer.devices) << answer.devices.reason();
  ASSERT_THAT(*answer.devices, SizeIs(8));
  for (const std::size_t other : {0, 1, 2, 4, 5, 6, 7})
    EXPECT_TRUE(answer.devices->at(other).context.known()) << other;
  EXPECT_THAT(answer.devices->at(3).context.reason(),
              HasSubstr("no whole answer within 0.4 s; it was in cuDevicePrimaryCtxRetain 3"));
  EXPECT_EQ(*answer.devices->at(7).compute_capability, "9.0");
}

TEST(ContextTrial, AFailingCleanUpTakesNothingFromTheResult) {
  const auto trial = trial_of(FakeDriver(
      "fail cuModuleUnload 999\nfail cuMemFree_v2 999\nfail cuDevicePrimaryCtxRelease_v2 999\n"));
  EXPECT_TRUE(trial.result_correct);
  EXPECT_EQ(trial.cuda_error, 0);
}

// --- devices at the same time ------------------------------------------------------

using Clock = std::chrono::steady_clock;

TEST(Together, EightDevicesTakeAsLongAsTheSlowest) {
  const std::string slow = std::string(kEightGpus) + "slow cuDevicePrimaryCtxRetain 400\n";
  const auto begin = Clock::now();
  const auto answer = FakeDriver(slow).ask(true);
  const auto took = Clock::now() - begin;
  EXPECT_EQ(in_words(answer), "answered, 8 devices");
  for (const Device& device : *answer.devices) EXPECT_TRUE(device.context->result_correct);
  EXPECT_GE(took, 400ms);
  EXPECT_LT(took, 1600ms) << "one after the other they take 3200 ms";
}

TEST(Together, WithoutThreadsTheyAreTriedOneAfterTheOther) {
  const FakeDriver driver(
      "devices 4 9.0 85899345920 NVIDIA H100\nslow cuDevicePrimaryCtxRetain 150\n", "single");
  const auto begin = Clock::now();
  const auto answer = driver.ask(true);
  EXPECT_EQ(in_words(answer), "answered, 4 devices");
  EXPECT_GE(Clock::now() - begin, 600ms);
  for (const Device& device : *answer.devices) EXPECT_TRUE(device.context->result_correct);
}

TEST(Together, ADeviceThatHangsIsNamedAndTheOthersKeepTheirResults) {
  const FakeDriver driver(
      "devices 4 9.0 85899345920 NVIDIA H100\nhang cuMemAlloc_v2@2\nfail cuMemAlloc_v2@3 2\n");
  const auto begin = Clock::now();
  const auto answer = driver.try_devices(500ms);
  EXPECT_LT(Clock::now() - begin, 10s) << "probe.timeout is 30 s";
  EXPECT_EQ(in_words(answer), "timed out: no answer within 0.5 s in cuMemAlloc_v2 2, 4 devices");
  EXPECT_EQ(answer.run.last_step, "cuMemAlloc_v2 2");
  EXPECT_TRUE(answer.devices->at(0).context->result_correct);
  EXPECT_TRUE(answer.devices->at(1).context->result_correct);
  EXPECT_EQ(answer.devices->at(2).context,
            Fact<ContextTrial>::unknown("no answer within 0.5 s in cuMemAlloc_v2"));
  EXPECT_EQ(answer.devices->at(3).context->cuda_error, 2);
  EXPECT_THAT(answer.driver_keepalive.pid(), -1);
}

TEST(Together, SeveralThatHangAreAllNamed) {
  const FakeDriver driver(
      "devices 4 9.0 85899345920 NVIDIA H100\nhang cuMemAlloc_v2@0\nhang cuMemAlloc_v2@2\n"
      "hang cuCtxSetCurrent@3\n");
  EXPECT_EQ(
      in_words(driver.try_devices(500ms)),
      "timed out: no answer within 0.5 s in cuMemAlloc_v2 0, 2, cuCtxSetCurrent 3, 4 devices");
}

// The time of one that waits its turn has not begun.
TEST(Together, WithoutThreadsEachDeviceHasItsOwnTime) {
  const std::string four = "devices 4 9.0 85899345920 NVIDIA H100\n";
  EXPECT_EQ(
      in_words(
          FakeDriver(four + "slow cuDevicePrimaryCtxRetain 400\n", "single").try_devices(1200ms)),
      "answered, 4 devices");
  const auto answer = FakeDriver(four + "hang cuMemAlloc_v2@2\n", "single").try_devices(500ms);
  EXPECT_TRUE(answer.devices->at(1).context.known());
  EXPECT_EQ(answer.devices->at(2).context.reason(), "no answer within 0.5 s in cuMemAlloc_v2");
  EXPECT_EQ(answer.devices->at(3).context.reason(),
            "the CUDA probe gave no whole answer: no answer within 0.5 s in cuMemAlloc_v2 2");
}

TEST(Together, ADeviceThatHangsWhileCleaningUpHasToldItsResult) {
  const auto answer =
      FakeDriver("devices 2 9.0 1000000 X\nhang cuMemFree_v2@1\n").try_devices(500ms);
  EXPECT_EQ(in_words(answer), "timed out: no answer within 0.5 s in cuMemFree_v2 1, 2 devices");
  EXPECT_TRUE(answer.devices->at(1).context->result_correct);
}

// Nobody can tell which thread it was; the suspects are named, and nobody else.
TEST(Together, ACrashNamesAllThatWereOnTrial) {
  const FakeDriver driver(
      "devices 4 9.0 85899345920 NVIDIA H100\nhang cuMemAlloc_v2@1\n"
      "slow cuLaunchKernel@3 600\ncrash cuLaunchKernel@3\n");
  const auto answer = driver.ask(true);
  EXPECT_EQ(in_words(answer),
            "crashed: ended by SIGSEGV in cuMemAlloc_v2 1, cuLaunchKernel 3, 4 devices");
  EXPECT_EQ(answer.run.last_step, "cuMemAlloc_v2 1, cuLaunchKernel 3");
  EXPECT_TRUE(answer.devices->at(0).context->result_correct);
  EXPECT_TRUE(answer.devices->at(2).context->result_correct);
  EXPECT_TRUE(answer.devices->at(3).context.is_unknown());
}

// --- staying -------------------------------------------------------------------------

CudaProbeAnswer ask_to_stay(const FakeDriver& driver, bool context = true) {
  auto options = driver.options(context);
  options.keep_driver_awake = true;
  return CudaProbe::start(options).collect();
}

TEST(Staying, TheProbeIsAnOpenClientUntilItsOwnerEnds) {
  const FakeDriver driver(std::string(kEightGpus) + "open cuInit DIR/nvidia0\n");
  const std::string device = driver.directory() + "/nvidia0";
  std::ofstream(device).put('\n');
  pid_t pid = -1;
  {
    const auto answer = ask_to_stay(driver);
    EXPECT_EQ(in_words(answer), "answered, 8 devices");
    pid = answer.driver_keepalive.pid();
    ASSERT_GT(pid, 0);
    EXPECT_EQ(::kill(pid, 0), 0);
    std::set<std::string> files;
    for (const auto& file :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
      files.insert(std::filesystem::read_symlink(file.path()));
    EXPECT_THAT(files, testing::Contains(device));
  }
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(errno, ESRCH);
}

TEST(Staying, NobodyStaysWithoutADeviceOrAnAnswer) {
  for (const char* script : {"devices 0\n", "fail cuInit 802\n", "crash cuInit\n", "hang cuInit\n",
                             "say cuInit !\n", "hang cuLaunchKernel\n", "crash cuLaunchKernel\n"}) {
    const FakeDriver driver(script);
    auto options = driver.options(true);
    options.timeout = 1s;
    options.keep_driver_awake = true;
    EXPECT_EQ(CudaProbe::start(options).collect().driver_keepalive.pid(), -1) << script;
  }
}

// The command could not have it, or has been promised it alone.
TEST(Staying, NobodyStaysOnADeviceThatServesOneProcess) {
  EXPECT_EQ(
      ask_to_stay(FakeDriver("devices 2 9.0 1000 X\ncompute-mode 1 3\n")).driver_keepalive.pid(),
      -1);
  const FakeDriver keeps("fail cuDevicePrimaryCtxRelease_v2 999\n");
  const auto answer = ask_to_stay(keeps);
  EXPECT_EQ(in_words(answer), "answered, 1 devices");
  EXPECT_EQ(answer.driver_keepalive.pid(), -1);
}

TEST(Staying, AFailedTrialIsNoReasonToGo) {
  EXPECT_GT(ask_to_stay(FakeDriver("fail cuLaunchKernel 719\n")).driver_keepalive.pid(), 0);
}

// --- misbehaviour --------------------------------------------------------------

TEST(Misbehaviour, AHangEndsAtTheDeadline) {
  for (const char* behaviour : {"hang", "stubborn"}) {
    const FakeDriver driver(std::string(behaviour) + " cuInit\n");
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = driver.ask_within(300ms);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(in_words(answer), "timed out: no whole answer within 0.3 s; it was in cuInit");
    EXPECT_EQ(answer.run.last_step, "cuInit");
    EXPECT_EQ(answer.cuda_version, Fact<std::string>("12.4"));
    EXPECT_TRUE(answer.run.load_error.is_absent());
    EXPECT_THAT(answer.run.init_error.reason(), HasSubstr("no whole answer within 0.3 s"));
    EXPECT_TRUE(answer.devices.is_unknown());
    EXPECT_GE(took, 300ms);
    EXPECT_LT(took, 5s);
  }
}

TEST(Misbehaviour, TheDeadlineCountsFromTheStart) {
  const FakeDriver driver("hang cuInit\n");
  auto options = driver.options();
  options.timeout = 500ms;
  auto probe = CudaProbe::start(options);
  std::this_thread::sleep_for(600ms);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(probe.collect().run.outcome, Outcome::kTimedOut);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 400ms);
}

TEST(Misbehaviour, AnAnswerThatIsThereIsTakenAfterTheDeadlineToo) {
  const FakeDriver driver(kEightGpus);
  auto options = driver.options();
  options.timeout = 500ms;
  auto probe = CudaProbe::start(options);
  std::this_thread::sleep_for(700ms);
  EXPECT_EQ(in_words(probe.collect()), "answered, 8 devices");
}

TEST(Misbehaviour, ACrashIsToldWithItsSignal) {
  EXPECT_EQ(in_words(FakeDriver("crash cuInit\n").ask()), "crashed: ended by SIGSEGV in cuInit");
  EXPECT_EQ(in_words(FakeDriver("abort cuDeviceGetName\n").ask()),
            "crashed: ended by SIGABRT in cuDeviceGetName 0");
  const auto answer = FakeDriver("crash cuLaunchKernel\n").ask(true);
  EXPECT_EQ(in_words(answer), "crashed: ended by SIGSEGV in cuLaunchKernel 0, 1 devices");
}

TEST(Misbehaviour, AnExitIsToldWithItsStatus) {
  EXPECT_EQ(in_words(FakeDriver("exit cuInit 0\n").ask()), "exited: exit status 0 in cuInit");
  EXPECT_EQ(in_words(FakeDriver("exit cuInit 3\n").ask()), "exited: exit status 3 in cuInit");
  // Not the loader's 127: the probe had begun to speak.
  EXPECT_EQ(in_words(FakeDriver("exit cuDriverGetVersion 127\n").ask()),
            "exited: exit status 127 in cuDriverGetVersion");
}

TEST(Misbehaviour, RubbishIsToldAndNotBelieved) {
  const auto answer = FakeDriver("say cuInit NVRM: API mismatch\n").ask();
  EXPECT_EQ(in_words(answer), "garbled: line 6 \"NVRM: API mismatch\" does not begin with a key");
  EXPECT_TRUE(answer.cuda_version.is_unknown());
  EXPECT_EQ(in_words(FakeDriver("say cuInit \\x1b[2J\n").ask()),
            "garbled: line 6 \"\\x1b[2J\" has control characters");
  EXPECT_EQ(in_words(FakeDriver("say cuInit init 0\\ninit 0\n").ask()),
            "garbled: line 7 \"init 0\" is said twice");
}

// Killed at the first wrong line; not left to run until the deadline.
TEST(Misbehaviour, RubbishIsNotWaitedOut) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(FakeDriver("say cuInit !\nhang cuInit\n").ask().run.outcome, Outcome::kGarbled);
  EXPECT_THAT(in_words(FakeDriver("flood cuInit\n").ask()), StartsWith("garbled: line 6 \"xxxx"));
  EXPECT_THAT(in_words(FakeDriver("flood-lines cuInit\n").ask()),
              HasSubstr("makes the answer longer than 256 KiB"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

bool gone_soon(pid_t pid) {
  for (int i = 0; i < 500; ++i) {
    if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
    // As an orphan it may be a zombie until some other init takes notice.
    const auto state = test::read_file("/proc/" + std::to_string(pid) + "/stat");
    if (state.find(") Z") != std::string::npos) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

TEST(Misbehaviour, AGrandchildThatKeepsThePipeIsNeitherWaitedForNorLeft) {
  for (const auto& [behaviour, words] : std::map<std::string, std::string>{
           {"linger", "answered, 1 devices"},
           {"linger-exit", "exited: exit status 3 in cuInit"},
           {"linger-hang", "timed out: no whole answer within 3 s; it was in cuInit"}}) {
    const FakeDriver driver(behaviour + " cuInit DIR/pid\n");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(in_words(driver.ask_within(3s)), words);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(took, behaviour == "linger-hang" ? 8s : 2500ms);
    const auto pid = static_cast<pid_t>(std::stol(driver.wrote("pid")));
    EXPECT_TRUE(gone_soon(pid)) << behaviour;
  }
}

TEST(Misbehaviour, ASlowDriverIsWaitedFor) {
  EXPECT_EQ(in_words(FakeDriver("slow cuInit 300\n").ask()), "answered, 1 devices");
}

// The kernel may need seconds to free a device after the last word; a command that starts
// before that finds it busy.
TEST(Misbehaviour, AfterTheEndItMayTakeItsTimeToExit) {
  const FakeDriver driver("say cuInit init 100\\nend\nslow cuInit 1500\ninspect cuInit DIR/late\n");
  EXPECT_EQ(in_words(driver.ask()), "answered, 0 devices");
  EXPECT_THAT(driver.wrote("late"), HasSubstr("core 0"));
  // But not longer than the deadline.
  const FakeDriver endless("say cuInit init 100\\nend\nhang cuInit\n");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(in_words(endless.ask_within(500ms)), "answered, 0 devices");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace gpuinit::probe
