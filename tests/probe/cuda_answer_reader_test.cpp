#include "probe/cuda/cuda_answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gpuinit/probe_protocol.h"
#include "read_cuda_answer.h"

namespace gpuinit::probe {
namespace {

using test::read_answer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Answer = test::ReadAnswer;
using State = AnswerReader::State;

const std::string kGreeting = "gpuinit-cuda-probe 2\n";

const std::string kTwoDevices = kGreeting +
                                "step dlopen\n"
                                "step cuDriverGetVersion\n"
                                "driver-version 12020\n"
                                "step cuInit\n"
                                "init 0\n"
                                "device-count 2\n"
                                "device 0\n"
                                "step cuDeviceGetName 0\n"
                                "name NVIDIA H100 80GB HBM3\n"
                                "uuid GPU-01234567-89ab-cdef-0123-456789abcdef\n"
                                "mig 0\n"
                                "compute-capability 9.0\n"
                                "compute-mode 3\n"
                                "memory 85899345920\n"
                                "device 1\n"
                                "name NVIDIA A100-SXM4-40GB MIG 1g.5gb\n"
                                "no uuid cuDeviceGetUuid: CUDA error 3\n"
                                "mig 1\n"
                                "compute-capability 8.0\n"
                                "compute-mode 7\n"
                                "enumerated\n";

Answer after(const std::string& text) { return read_answer(kGreeting + text); }
Answer after_devices(const std::string& text) { return read_answer(kTwoDevices + text); }

TEST(Answer, TellsDriverAndDevices) {
  const Answer answer = read_answer(kTwoDevices + "end\n");
  ASSERT_EQ(answer.state, State::kWhole) << answer.wrong;
  EXPECT_TRUE(answer.load_error.is_absent());
  EXPECT_EQ(answer.cuda_version, Fact<std::string>("12.2"));
  EXPECT_EQ(answer.init_error, Fact<int>(0));
  EXPECT_EQ(answer.last_step, "cuDeviceGetName 0");
  ASSERT_TRUE(answer.devices);
  ASSERT_THAT(*answer.devices, SizeIs(2));
  const Device& first = (*answer.devices)[0];
  EXPECT_EQ(*first.name, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(*first.uuid, "GPU-01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_EQ(*first.compute_capability, "9.0");
  EXPECT_EQ(*first.memory_bytes, 85899345920U);
  EXPECT_EQ(*first.mig, false);
  EXPECT_EQ(*first.compute_mode, "exclusive-process");
  EXPECT_TRUE(first.memory_free_bytes.is_unknown());
  EXPECT_TRUE(first.context.is_unknown());
}

TEST(Answer, WhatTheProbeCouldNotTellIsUnknownWithItsReason) {
  const Answer answer = read_answer(kTwoDevices + "end\n");
  const Device& second = (*answer.devices)[1];
  EXPECT_EQ(second.uuid, Fact<std::string>::unknown("cuDeviceGetUuid: CUDA error 3"));
  EXPECT_EQ(second.compute_mode, Fact<std::string>::unknown("CUcomputemode 7"));
  EXPECT_TRUE(second.memory_bytes.is_unknown());
  EXPECT_EQ(*second.mig, true);
}

TEST(Answer, ADeviceThatCannotBeOpenedIsUnknownAltogether) {
  const Answer answer = after(
      "init 0\ndevice-count 1\ndevice 0\nno device cuDeviceGet: CUDA error 101\nenumerated\nend\n");
  ASSERT_EQ(answer.state, State::kWhole) << answer.wrong;
  EXPECT_EQ(answer.devices->at(0).name.reason(), "cuDeviceGet: CUDA error 101");
  EXPECT_EQ(answer.devices->at(0).compute_capability.reason(), "cuDeviceGet: CUDA error 101");
}

TEST(Answer, TellsWhatBecameOfAKernel) {
  const Answer answer = after_devices(
      "trial 0\nmemory-free 0 1000\ncontext 0 0 cuMemcpyDtoH_v2 1 1 2500\ntrial-end 0\n"
      "trial 1\ncontext-note 1 PTX JIT is switched off\n"
      "context 1 46 cuDevicePrimaryCtxRetain 0 0 10\ntrial-end 1\n"
      "end\n");
  ASSERT_EQ(answer.state, State::kWhole) << answer.wrong;
  EXPECT_EQ(*answer.devices->at(0).memory_free_bytes, 1000U);
  const ContextTrial first = *answer.devices->at(0).context;
  EXPECT_EQ(first.step, "cuMemcpyDtoH_v2");
  EXPECT_EQ(first.cuda_error, 0);
  EXPECT_TRUE(first.kernel_ran);
  EXPECT_TRUE(first.result_correct);
  EXPECT_EQ(first.note, "");
  EXPECT_DOUBLE_EQ(first.milliseconds, 2.5);
  const ContextTrial second = *answer.devices->at(1).context;
  EXPECT_EQ(second.cuda_error, 46);
  EXPECT_FALSE(second.kernel_ran);
  EXPECT_EQ(second.note, "PTX JIT is switched off");
}

TEST(Answer, TrialsMayRunAtTheSameTime) {
  const Answer answer = after_devices(
      "trial 1\ntrial 0\nstep cuMemAlloc_v2 0\nstep cuLaunchKernel 1\ncontext-note 0 none\n"
      "memory-free 1 7\nstep cuMemcpyDtoH_v2 0\ncontext 1 719 cuLaunchKernel 0 0 20\n"
      "context 0 0 cuMemcpyDtoH_v2 0 1 10\nstep cuMemFree_v2 1\ntrial-end 1\n");
  EXPECT_EQ(answer.state, State::kPartial) << answer.wrong;
  EXPECT_EQ(answer.devices->at(0).context->note, "none");
  EXPECT_EQ(answer.devices->at(1).context->note, "");
  EXPECT_EQ(answer.devices->at(1).context->cuda_error, 719);
  EXPECT_EQ(*answer.devices->at(1).memory_free_bytes, 7U);
  EXPECT_THAT(answer.trials_under_way(), testing::ElementsAre(0U));
  EXPECT_EQ(answer.trials.at(0).step, "cuMemcpyDtoH_v2");
  EXPECT_EQ(answer.trials.at(1).step, "cuMemFree_v2");
}

TEST(Answer, StepsOutsideATrialAreNobodysCall) {
  const Answer answer = after_devices("step cuLaunchKernel 0\ntrial 1\nstep cuX 1 2\nstep cuY 9\n");
  EXPECT_EQ(answer.last_step, "cuY 9");
  EXPECT_EQ(answer.trials.at(0).step, "");
  EXPECT_EQ(answer.trials.at(1).step, "");
}

TEST(Answer, AProbeThatStaysSaysSo) {
  EXPECT_TRUE(after_devices("holding\nend\n").holding);
  EXPECT_FALSE(after_devices("end\n").holding);
  EXPECT_EQ(after("init 0\ndevice-count 0\nenumerated\nholding\n").state, State::kGarbled);
  EXPECT_EQ(after("holding\n").state, State::kGarbled);
}

TEST(Answer, ATrialMayBeImpossibleAndSaysWhy) {
  const Answer answer =
      after_devices("trial 1\nno context 1 libcuda.so.1 has no cuLaunchKernel\ntrial-end 1\nend\n");
  ASSERT_EQ(answer.state, State::kWhole) << answer.wrong;
  EXPECT_EQ(answer.devices->at(1).context.reason(), "libcuda.so.1 has no cuLaunchKernel");
}

TEST(Answer, WithoutLibcudaNothingElseIsKnown) {
  const Answer answer = after("step dlopen\nload-error libcuda.so.1: cannot open\nend\n");
  ASSERT_EQ(answer.state, State::kWhole) << answer.wrong;
  EXPECT_EQ(*answer.load_error, "libcuda.so.1: cannot open");
  EXPECT_TRUE(answer.cuda_version.is_unknown());
  EXPECT_TRUE(answer.init_error.is_unknown());
  EXPECT_EQ(answer.devices.reason(), "libcuda.so.1 was not loaded");
}

TEST(Answer, NoDeviceIsAnAnswerAndAnyOtherErrorIsNone) {
  const Answer none = after("init 100\nend\n");
  ASSERT_EQ(none.state, State::kWhole);
  ASSERT_TRUE(none.devices);
  EXPECT_THAT(*none.devices, IsEmpty());
  const Answer failed = after("init 802\nend\n");
  ASSERT_EQ(failed.state, State::kWhole);
  EXPECT_EQ(*failed.init_error, 802);
  EXPECT_EQ(failed.devices.reason(), "cuInit: CUDA error 802");
}

TEST(Answer, WithoutEndItIsPartialAndKeepsWhatWasSaid) {
  const Answer answer = after_devices("trial 0\nstep cuLaunchKernel 0\n");
  EXPECT_EQ(answer.state, State::kPartial);
  EXPECT_EQ(answer.last_step, "cuLaunchKernel 0");
  EXPECT_EQ(*answer.cuda_version, "12.2");
  ASSERT_TRUE(answer.devices);
  EXPECT_THAT(*answer.devices, SizeIs(2));
  EXPECT_EQ(answer.devices->at(0).context, Fact<ContextTrial>());
}

TEST(Answer, DevicesAreKnownOnlyWhenAllAreDescribed) {
  EXPECT_TRUE(after("init 0\ndevice-count 2\ndevice 0\nname a\n").devices.is_unknown());
}

TEST(Answer, MayArriveInAnyPieces) {
  const std::string text = kTwoDevices + "end\n";
  CudaAnswerReader reader;
  for (const char c : text) {
    EXPECT_FALSE(reader.finished());
    reader.feed(std::string_view(&c, 1));
  }
  EXPECT_TRUE(reader.finished());
  EXPECT_EQ(test::what_was_read(reader), read_answer(text));
}

TEST(Answer, NothingAfterTheEndCounts) {
  const std::string text = kTwoDevices + "end\n";
  EXPECT_EQ(read_answer(text + "rubbish \x01\n"), read_answer(text));
}

TEST(Answer, ANewerProbeMaySayMore) {
  const Answer answer = after(
      "nvlink 4 fine\ninit 0\nno fabric because\ndevice-count 1\ndevice 0\nbus-id 0000:01:00.0\n"
      "enumerated\nend\n");
  EXPECT_EQ(answer.state, State::kWhole) << answer.wrong;
}

TEST(Answer, ItsTextIsMadePrintable) {
  const Answer answer =
      after("init 0\ndevice-count 1\ndevice 0\nname GPU \xff\xc2\x9b\nenumerated\nend\n");
  ASSERT_EQ(answer.state, State::kWhole) << answer.wrong;
  EXPECT_EQ(*answer.devices->at(0).name, "GPU \\xff\\xc2\\x9b");
}

TEST(Answer, AChildThatDidNotBecomeTheProbeSaysWhy) {
  const Answer refused = read_answer("not-started memfd: Permission denied\n");
  EXPECT_EQ(refused.state, State::kNotStarted);
  EXPECT_EQ(refused.wrong, "memfd: Permission denied");
  const Answer no_loader = read_answer("no-loader memfd: No such file or directory\n");
  EXPECT_EQ(no_loader.state, State::kNoLoader);
  EXPECT_EQ(no_loader.wrong, "memfd: No such file or directory");
  // Only instead of the first line.
  EXPECT_EQ(after("not-started x\ninit 100\nend\n").state, State::kWhole);
}

struct Garbage {
  const char* text;
  const char* complaint;
};

class Garbled : public testing::TestWithParam<Garbage> {};

TEST_P(Garbled, IsRefusedAndNothingOfItBelieved) {
  const Answer answer = after_devices(GetParam().text);
  ASSERT_EQ(answer.state, State::kGarbled);
  EXPECT_THAT(answer.wrong, EndsWith(GetParam().complaint));
  EXPECT_THAT(answer.wrong, HasSubstr("line "));
  EXPECT_EQ(answer.last_step, "cuDeviceGetName 0");
  EXPECT_TRUE(answer.load_error.is_unknown());
  EXPECT_TRUE(answer.cuda_version.is_unknown());
  EXPECT_TRUE(answer.init_error.is_unknown());
  EXPECT_TRUE(answer.devices.is_unknown());
}

INSTANTIATE_TEST_SUITE_P(
    Answer, Garbled,
    testing::Values(
        Garbage{"\n", "\"\" does not begin with a key"},
        Garbage{"Segmentation fault\n", "does not begin with a key"},
        Garbage{" init 0\n", "does not begin with a key"},
        Garbage{"a\tb\n", "has control characters"},
        Garbage{"step \x1b[31m\n", "has control characters"},
        Garbage{"step \x7f\n", "has control characters"},
        Garbage{"step\n", "is not a value it can have"}, Garbage{"init 0\n", "is said twice"},
        Garbage{"driver-version 12020\n", "is said twice"},
        Garbage{"device-count 2\n", "is said twice"}, Garbage{"enumerated\n", "is said twice"},
        Garbage{"device 2\n", "is out of place"}, Garbage{"name late\n", "is out of place"},
        Garbage{"no name late\n", "is out of place"},
        Garbage{"no device late\n", "is out of place"},
        Garbage{"no name\n", "is not a value it can have"},
        Garbage{"no devices cuDeviceGetCount\n", "is said twice"},
        Garbage{"memory-free 0 1\n", "is out of place"},
        Garbage{"context 0 0 cuX 1 1 1\n", "is out of place"},
        Garbage{"no context 0 x\n", "is out of place"},
        Garbage{"trial\n", "is not a value it can have"},
        Garbage{"trial 2\n", "is not a value it can have"},
        Garbage{"trial -1\n", "is not a value it can have"},
        Garbage{"trial 0 1\n", "is not a value it can have"},
        Garbage{"trial 0\ntrial 0\n", "is said twice"},
        Garbage{"trial 0\ncontext 1 0 cuX 1 1 1\n", "is out of place"},
        Garbage{"trial 0\ncontext 2 0 cuX 1 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 cuX 1 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 0 cuX 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 0 cuX 1 1 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 0 cuX 2 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 999 cuX 1 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 0  1 1 1\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 0 cuX 1 1 99999999999999\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext 0 0 cuX 1 1 1\ncontext 0 0 cuX 1 1 1\n", "is said twice"},
        Garbage{"trial 0\nmemory-free 0 1\nno memory-free 0 x\n", "is said twice"},
        Garbage{"trial 0\nno context 0\n", "is not a value it can have"},
        Garbage{"trial 0\nno context x\n", "is not a value it can have"},
        Garbage{"trial 0\nno context-note 0 x\n", "is not a value it can have"},
        Garbage{"trial 0\ncontext-note 0 a\ncontext-note 0 b\n", "is said twice"},
        Garbage{"trial 0\ncontext-note 0\n", "is not a value it can have"},
        Garbage{"trial-end 0\n", "is out of place"},
        Garbage{"trial 0\ntrial-end 0\n", "is out of place"},
        Garbage{"trial 0\nno context 0 x\ntrial-end 0 1\n", "is not a value it can have"},
        Garbage{"trial 0\nno context 0 x\ntrial-end 0\ntrial-end 0\n", "is out of place"},
        Garbage{"trial 0\nno context 0 x\ntrial-end 0\nmemory-free 0 1\n", "is out of place"},
        Garbage{"trial 0\nno context 0 x\ntrial-end 0\ntrial 0\n", "is said twice"},
        Garbage{"trial 0\nend\n", "comes before the end of a trial"},
        Garbage{"trial 0\nholding\n", "is out of place"},
        Garbage{"holding\nholding\n", "is said twice"},
        Garbage{"holding on\n", "is not a value it can have"},
        Garbage{"holding\ntrial 0\n", "is out of place"},
        Garbage{"load-error but it loaded\n", "is said twice"}));

class BadValue : public testing::TestWithParam<const char*> {};

TEST_P(BadValue, IsRefused) {
  const std::string line = GetParam();
  const Answer answer = after("init 0\ndevice-count 1\ndevice 0\n" + line + "\n");
  ASSERT_EQ(answer.state, State::kGarbled);
  EXPECT_EQ(answer.wrong, "line 5 \"" + line + "\" is not a value it can have");
}

INSTANTIATE_TEST_SUITE_P(
    Answer, BadValue,
    testing::Values("name", "name ", "uuid GPU-0123", "uuid 01234567-89ab-cdef-0123-456789abcdef",
                    "uuid GPU-01234567-89ab-cdef-0123-456789abcdeF",
                    "uuid GPU-01234567_89ab-cdef-0123-456789abcdef",
                    "uuid TPU-01234567-89ab-cdef-0123-456789abcdef", "compute-capability 9",
                    "compute-capability 9.", "compute-capability .0", "compute-capability 9.0.0",
                    "compute-capability -9.0", "compute-capability 1000.0",
                    "compute-capability 9.100", "memory", "memory -1", "memory 1e9",
                    "memory 18446744073709551616", "memory 9223372036854775808", "mig 2", "mig yes",
                    "compute-mode x", "device 0", "device 1", "driver-version 12.2",
                    "driver-version 999", "driver-version 1000001"));

TEST(Answer, ResultsAndCountsAreBounded) {
  for (const char* line : {"init", "init -1", "init 100001", "init 99999999999999999999"})
    EXPECT_EQ(after(line + std::string("\n")).state, State::kGarbled) << line;
  EXPECT_EQ(after("init 0\ndevice-count 65\n").state, State::kGarbled);
  EXPECT_EQ(after("init 0\ndevice-count 64\n").state, State::kPartial);
}

TEST(Answer, TheFirstLineMustBeTheGreeting) {
  for (const char* text : {"\n", "init 0\n", "gpuinit-cuda-probe 1\n", "gpuinit-cuda-probe 2 \n",
                           "sh: 1: not found\n", "not-started\n", "no-loader \n"})
    EXPECT_EQ(read_answer(text).state, State::kGarbled) << text;
  EXPECT_EQ(read_answer("").state, State::kPartial);
  EXPECT_EQ(read_answer("gpuinit-cuda-probe 2").state, State::kPartial);
}

TEST(Answer, TheEndMustNotComeEarly) {
  for (const char* text :
       {"end\n", "driver-version 12020\nend\n", "init 0\nend\n", "init 0\ndevice-count 1\nend\n",
        "init 0\ndevice-count 1\ndevice 0\nend\n", "init 0\ndevice-count 1\nenumerated\n",
        "device-count 1\n", "init 3\ndevice-count 1\n", "device 0\n", "enumerated\n", "trial 0\n",
        "load-error x\ninit 0\nend\n", "load-error x\ndriver-version 12020\nend\n"})
    EXPECT_EQ(after(text).state, State::kGarbled) << text;
  EXPECT_EQ(after("init 0\nno devices cuDeviceGetCount: CUDA error 3\nend\n").state, State::kWhole);
  EXPECT_EQ(after("no init libcuda.so.1 has no cuInit\nend\n").state, State::kWhole);
}

TEST(Answer, LinesAndTheWholeAreBounded) {
  using probe_protocol::kMaxAnswer;
  using probe_protocol::kMaxLine;
  const std::string longest = "step " + std::string(kMaxLine - 6, 'x');
  EXPECT_EQ(after(longest + "\n").state, State::kPartial);
  EXPECT_THAT(after(longest + "x").wrong, EndsWith("is too long"));
  std::string flood;
  while (flood.size() <= kMaxAnswer) flood += "step cuInit\n";
  const Answer answer = after(flood);
  EXPECT_EQ(answer.state, State::kGarbled);
  EXPECT_THAT(answer.wrong, EndsWith("makes the answer longer than 256 KiB"));
}

TEST(Answer, ACutLineIsShownCut) {
  const std::string rubbish(400, 'A');
  EXPECT_EQ(read_answer(rubbish + "\n").wrong,
            "line 1 \"" + std::string(80, 'A') + "…\" is not the first line of an answer");
}

}  // namespace
}  // namespace gpuinit::probe
