#include "warmup/recorder.h"

#include <gtest/gtest.h>

#include <chrono>

#include "recorded_in_child.h"

namespace gpuinit::warmup {
namespace {

using test::bytes_of;
using test::DiskFile;
using test::Outcome;
using test::python;
using test::record_in_a_child;
using test::Way;

constexpr std::uint64_t kMiB = 1 << 20;

class Recorder : public testing::TestWithParam<Way> {};

TEST_P(Recorder, FindsTheProgramItsLibrariesAndWhatItReads) {
  const DiskFile small(10'000);
  const Outcome outcome = record_in_a_child({"/bin/cat", small.path()}, GetParam());
  ASSERT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.exec_errno, 0);
  EXPECT_EQ(bytes_of(outcome, small.path()), 10'000U);
  bool libc = false;
  bool ourselves = false;
  for (const auto& [path, bytes] : outcome.bytes) {
    libc = libc || path.find("/libc.so.6") != path.npos;
    ourselves = ourselves || path.find("warmup_test") != path.npos;
  }
  EXPECT_TRUE(libc);
  EXPECT_FALSE(ourselves) << "what the recorder's own child had mapped before exec";
  EXPECT_GT(bytes_of(outcome, std::filesystem::canonical("/bin/cat")), 0U);
}

TEST_P(Recorder, SeesWhatWasUnmappedBeforeTheEnd) {
  const DiskFile file(16 * kMiB);
  const Outcome outcome = record_in_a_child({"/usr/bin/python3", "-c", python(file, R"(
f = os.open(path, os.O_RDONLY)
m = mmap.mmap(f, 0, prot=mmap.PROT_READ)
x = m[4 << 20]
m.close()
os.close(f)
)")},
                                            GetParam());
  ASSERT_EQ(outcome.exit_code, 0);
  EXPECT_GT(bytes_of(outcome, file.path()), 0U);
  EXPECT_LT(bytes_of(outcome, file.path()), 4 * kMiB);
}

TEST_P(Recorder, SeesChildrenOfTheCommand) {
  const DiskFile file(50'000);
  const Outcome outcome =
      record_in_a_child({"/bin/sh", "-c", "(cat " + file.path() + ") | wc -c; exit 3"}, GetParam());
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(bytes_of(outcome, file.path()), 50'000U);
}

TEST_P(Recorder, TellsHowTheCommandEnded) {
  EXPECT_EQ(record_in_a_child({"/bin/sh", "-c", "kill -9 $$"}, GetParam()).exit_code, 137);
  EXPECT_EQ(record_in_a_child({"/nowhere"}, GetParam()).exec_errno, ENOENT);
  EXPECT_EQ(record_in_a_child({"/"}, GetParam()).exec_errno, EACCES);
}

TEST_P(Recorder, ForwardsSignalsAndLooksFirst) {
  const DiskFile file(60'000);
  const Outcome outcome = record_in_a_child({"/usr/bin/python3", "-c", python(file, R"(
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_DFL)
f = open(path)
f.read(1)
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(60)
)")},
                                            GetParam());
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_EQ(bytes_of(outcome, file.path()), 60'000U);
}

TEST_P(Recorder, EndsWhatTheCommandLeavesBehind) {
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome =
      record_in_a_child({"/bin/sh", "-c", "setsid sleep 100 & exit 0"}, GetParam());
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

INSTANTIATE_TEST_SUITE_P(Ways, Recorder, testing::Values(Way::kTracer, Way::kFilter),
                         [](const auto& test) {
                           return test.param == Way::kTracer ? "Tracer" : "Filter";
                         });

}  // namespace
}  // namespace gpuinit::warmup
