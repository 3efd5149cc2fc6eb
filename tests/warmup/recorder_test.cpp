#include "warmup/recorder.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <map>
#include <vector>

#include "page_cache.h"

namespace gpuinit::warmup {
namespace {

using test::DiskFile;

constexpr std::uint64_t kMiB = 1 << 20;

// In a process of its own: recording makes a subreaper of it and wants all signals blocked.
struct Outcome {
  std::map<std::string, std::uint64_t> bytes;  // path → total of its ranges
  int exit_code = -1;
  int exec_errno = -1;
  std::string error;
};

Outcome record_in_a_child(std::vector<std::string> words, void (*meanwhile)(pid_t) = nullptr) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    RecordRequest request;
    request.path = words[0];
    request.argv = argv.data();
    request.restore_signals = [] {
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
    };
    const auto recorded = record(request);
    std::string text;
    if (!recorded) text = "error " + recorded.error().message + "\n";
    else {
      text = "end " + std::to_string(recorded->exit_code) + " " +
             std::to_string(recorded->exec_errno) + "\n";
      for (const FilePart& part : recorded->plan)
        text += std::to_string(total_bytes({part})) + " " + part.path + "\n";
    }
    if (::write(ends[1], text.data(), text.size()) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(ends[1]);
  if (meanwhile != nullptr) meanwhile(pid);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);

  Outcome outcome;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("error ")) outcome.error = line.substr(6);
    else if (line.starts_with("end "))
      std::sscanf(line.c_str(), "end %d %d", &outcome.exit_code, &outcome.exec_errno);
    else outcome.bytes[line.substr(line.find(' ') + 1)] = std::stoull(line);
  }
  return outcome;
}

std::uint64_t bytes_of(const Outcome& outcome, const std::string& path) {
  const auto found = outcome.bytes.find(path);
  return found == outcome.bytes.end() ? 0 : found->second;
}

std::string python(const DiskFile& file, const std::string& code) {
  return "import mmap, os, sys\npath = '" + file.path() + "'\n" + code;
}

TEST(Recorder, FindsTheProgramItsLibrariesAndWhatItReads) {
  const DiskFile small(10'000);
  const Outcome outcome = record_in_a_child({"/bin/cat", small.path()});
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

TEST(Recorder, SeesWhatWasUnmappedBeforeTheEnd) {
  const DiskFile file(16 * kMiB);
  const Outcome outcome = record_in_a_child({"/usr/bin/python3", "-c", python(file, R"(
f = os.open(path, os.O_RDONLY)
m = mmap.mmap(f, 0, prot=mmap.PROT_READ)
x = m[4 << 20]
m.close()
os.close(f)
)")});
  ASSERT_EQ(outcome.exit_code, 0);
  EXPECT_GT(bytes_of(outcome, file.path()), 0U);
  EXPECT_LT(bytes_of(outcome, file.path()), 4 * kMiB);
}

TEST(Recorder, SeesChildrenOfTheCommand) {
  const DiskFile file(50'000);
  const Outcome outcome =
      record_in_a_child({"/bin/sh", "-c", "(cat " + file.path() + ") | wc -c; exit 3"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(bytes_of(outcome, file.path()), 50'000U);
}

TEST(Recorder, TellsHowTheCommandEnded) {
  EXPECT_EQ(record_in_a_child({"/bin/sh", "-c", "kill -9 $$"}).exit_code, 137);
  EXPECT_EQ(record_in_a_child({"/nowhere"}).exec_errno, ENOENT);
  EXPECT_EQ(record_in_a_child({"/"}).exec_errno, EACCES);
}

TEST(Recorder, ForwardsSignalsAndLooksFirst) {
  const DiskFile file(60'000);
  const Outcome outcome = record_in_a_child({"/usr/bin/python3", "-c", python(file, R"(
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_DFL)
f = open(path)
f.read(1)
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(60)
)")});
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_EQ(bytes_of(outcome, file.path()), 60'000U);
}

TEST(Recorder, EndsWhatTheCommandLeavesBehind) {
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = record_in_a_child({"/bin/sh", "-c", "setsid sleep 100 & exit 0"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace gpuinit::warmup
