// How the program gets from inside gpuinit into a process, whatever the host refuses.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "fake_driver.h"
#include "probe/child/child.h"
#include "probe/child/embedded_files.h"
#include "syscall_filter.h"

namespace gpuinit::probe {
namespace {

using namespace std::chrono_literals;
using test::FakeDriver;
using test::in_another_process;
using test::in_words;
using test::refuse;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

// The bit of O_TMPFILE that is not O_DIRECTORY.
constexpr unsigned kTmpFile = O_TMPFILE & ~O_DIRECTORY;

// Runs the probe on the fake driver in a process where these system calls fail; returns
// the path of the program that ran (/proc/self/exe), or what the child said instead.
std::string ran_as(const std::vector<test::Refusal>& refusals, ChildProgram program) {
  const FakeDriver driver("inspect cuInit DIR/seen\n");
  program.name = "carried";
  program.image = embedded_cuda_probe();
  program.arguments = {"devices"};
  program.environment = {"LD_LIBRARY_PATH=" + driver.directory()};
  program.sandbox.writable = {driver.directory()};
  const auto output = in_another_process([&]() -> std::string {
    if (!refusals.empty() && !refuse(refusals)) return "no seccomp here";
    Child child(program);
    if (child.start_error() != nullptr) return child.start_error()->message;
    std::string said;
    while (child.wait(said, Clock::now() + 10s) == Child::Event::kOutput) {
    }
    return said;
  });
  if (!output.ends_with("enumerated\nend\n")) return output;
  const std::string seen = driver.wrote("seen");
  const auto begin = seen.find("program ") + 8;
  return seen.substr(begin, seen.find('\n', begin) - begin);
}

ChildProgram in_directories(std::vector<std::string> directories) {
  ChildProgram program;
  program.scratch_directories = std::move(directories);
  return program;
}

constexpr char kMemfd[] = "/memfd:carried (deleted)";
const std::vector<test::Refusal> kNoMemfd{{SYS_memfd_create, EACCES}};

TEST(Carrying, AMemfdComesFirst) { EXPECT_EQ(ran_as({}, {}), kMemfd); }

TEST(Carrying, AKernelBefore63DoesNotKnowTheFlagForExecutables) {
  constexpr unsigned kMfdExec = 0x10;
  EXPECT_EQ(ran_as({{SYS_memfd_create, EINVAL, kMfdExec, 1}}, {}), kMemfd);
}

TEST(Carrying, WhereMemfdIsRefusedAFileWithoutANameServes) {
  const test::Tree tree;
  EXPECT_THAT(ran_as(kNoMemfd, in_directories({"/nowhere", tree.root()})),
              MatchesRegex(tree.root() + "/#[0-9]+ \\(deleted\\)"));
}

TEST(Carrying, WhereThereAreNoSuchFilesAShortLivedOneServes) {
  const test::Tree tree;
  auto refusals = kNoMemfd;
  refusals.push_back({SYS_openat, EOPNOTSUPP, kTmpFile, 2});
  EXPECT_THAT(ran_as(refusals, in_directories({"/nowhere", tree.root()})),
              MatchesRegex(tree.root() + "/\\.carried\\.[0-9]+ \\(deleted\\)"));
  EXPECT_TRUE(std::filesystem::is_empty(tree.root()));
}

TEST(Carrying, ScratchDirectoriesAreTriedInOrder) {
  const test::Tree first;
  const test::Tree second;
  EXPECT_THAT(ran_as(kNoMemfd, in_directories({first.root(), second.root()})),
              StartsWith(first.root()));
}

TEST(Carrying, WithoutExecveatItGoesThroughProc) {
  for (const int error : {ENOSYS, EPERM}) {
    EXPECT_EQ(ran_as({{SYS_execveat, error}}, {}), kMemfd);
    const test::Tree tree;
    EXPECT_THAT(
        ran_as({{SYS_execveat, error}, {SYS_memfd_create, EACCES}}, in_directories({tree.root()})),
        StartsWith(tree.root()));
  }
}

TEST(Carrying, WithoutPidfdOrCloseRangeItWorksAsWell) {
  EXPECT_EQ(ran_as({{SYS_pidfd_open, ENOSYS}, {SYS_close_range, ENOSYS}}, {}), kMemfd);
}

// Its end must then be noticed by looking, also while someone else keeps the pipe open.
TEST(Carrying, WithoutPidfdTheChildsEndIsNoticed) {
  const FakeDriver driver("linger-exit cuInit DIR/pid\n");
  const auto begin = Clock::now();
  EXPECT_EQ(in_another_process([&] {
              if (!refuse({{SYS_pidfd_open, ENOSYS}})) return std::string("no seccomp here");
              return in_words(driver.ask());
            }),
            "exited: exit status 3 in cuInit");
  EXPECT_LT(Clock::now() - begin, 10s);
}

// ENOENT of the last directory is not the ENOENT of a missing loader.
TEST(Carrying, WhenEverythingIsRefusedEachRefusalIsTold) {
  EXPECT_EQ(ran_as(kNoMemfd, in_directories({"/nowhere", "/proc/self/none"})),
            "not-started memfd: Permission denied; /nowhere: No such file or directory; "
            "/proc/self/none: No such file or directory\n");
  EXPECT_EQ(ran_as({{SYS_execveat, EACCES}}, in_directories({})),
            "not-started memfd: Permission denied\n");
}

class Installed : public testing::Test {
 protected:
  Installed() {
    tree_.executable("probe", std::string(embedded_cuda_probe()));
    program_.installed_path = tree_.at("probe").string();
  }
  test::Tree tree_;
  ChildProgram program_;
};

TEST_F(Installed, ACopyInTheImageIsPreferred) {
  EXPECT_EQ(ran_as({}, program_), program_.installed_path);
  EXPECT_EQ(ran_as({{SYS_execveat, ENOSYS}}, program_), program_.installed_path);
}

TEST_F(Installed, ACopyThatOthersMayWriteIsNotRun) {
  for (const mode_t mode : {0775U, 0757U, 0777U}) {
    ::chmod(program_.installed_path.c_str(), mode);
    EXPECT_EQ(ran_as({}, program_), kMemfd);
  }
}

TEST_F(Installed, ACopyOfAnotherUserIsNotRun) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(program_.installed_path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(ran_as({}, program_), kMemfd);
}

TEST_F(Installed, WhatIsNotAProgramIsPassedOver) {
  ::chmod(program_.installed_path.c_str(), 0644);
  EXPECT_EQ(ran_as({}, program_), kMemfd);
  program_.installed_path = tree_.root();
  EXPECT_EQ(ran_as({}, program_), kMemfd);
  program_.installed_path = tree_.at("pipe").string();
  ASSERT_EQ(::mkfifo(program_.installed_path.c_str(), 0755), 0);
  EXPECT_EQ(ran_as({}, program_), kMemfd);
  tree_.executable("text",
                   "\x7f"
                   "ELF of another machine");
  program_.installed_path = tree_.at("text").string();
  EXPECT_EQ(ran_as({}, program_), kMemfd);
}

// --- images without a usable glibc -------------------------------------------

#if defined(__x86_64__)
constexpr char kLoader[] = "/lib64/ld-linux-x86-64.so.2";
#else
constexpr char kLoader[] = "/lib/ld-linux-aarch64.so.1";
#endif

// Runs the probe with `root` as /; needs root or user namespaces.
std::string ask_in(const std::string& root, const std::vector<test::Refusal>& refusals = {}) {
  return in_another_process([&]() -> std::string {
    if (!test::enter_root(root)) return "neither root nor user namespaces";
    if (!refusals.empty() && !refuse(refusals)) return "no seccomp here";
    CudaProbeOptions options;
    options.timeout = 10s;
    options.environment = {{"LD_LIBRARY_PATH", "/libs"}, {"CUDA_MPS_PIPE_DIRECTORY", "/"}};
    return in_words(CudaProbe::start(options).collect());
  });
}

std::filesystem::path library_here(const char* name) {
  // Beside the libc that this test uses.
  struct Search {
    std::string libc;
  } search;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        const std::string path = info->dlpi_name;
        if (path.find("/libc.so.6") != std::string::npos) static_cast<Search*>(data)->libc = path;
        return 0;
      },
      &search);
  return std::filesystem::canonical(std::filesystem::path(search.libc).parent_path() / name);
}

TEST(Image, WithoutALoaderIsNamedAsSuch) {
  const test::Tree distroless;
  EXPECT_EQ(ask_in(distroless.root()), "no loader: memfd: No such file or directory");
  test::Tree musl;
  musl.directory("/proc").directory("/dev").directory("/tmp").directory("/run");
  EXPECT_EQ(ask_in(musl.root(), kNoMemfd),
            "no loader: memfd: Permission denied; /run: No such file or directory");
}

TEST(Image, WithALoaderThatIsNoneIsNamedAsSuch) {
  test::Tree image;
  image.executable(kLoader, std::string(200, 'x'));
  EXPECT_EQ(ask_in(image.root()), "no loader: memfd: Accessing a corrupted shared library");
}

TEST(Image, WithALoaderButWithoutLibcIsAnExitThatSaysSo) {
  test::Tree image;
  image.executable(kLoader, test::read_file(kLoader));
  EXPECT_THAT(ask_in(image.root()), StartsWith("exited: exit status 127: the loader could not"));
}

// Neither /proc, nor /dev/null, nor close_range, nor pidfd.
TEST(Image, WithNothingButGlibcAndADriverIsEnough) {
  test::Tree image;
  image.executable(kLoader, test::read_file(kLoader));
  for (const char* library : {"libc.so.6", "libdl.so.2"})
    image.file(std::string("/libs/") + library, test::read_file(library_here(library)));
  image.file("/libs/libcuda.so.1", test::read_file(GPUINIT_FAKE_LIBCUDA "/libcuda.so.1"));
  image.file("/libs/libcuda.fake", "inspect cuInit /seen\n");
  ::chmod(image.root().c_str(), 0777);
  EXPECT_EQ(ask_in(image.root()), "answered, 1 devices");
  // The driver's own files cannot become 0, 1 or 2.
  EXPECT_THAT(test::read_file(image.at("/seen")),
              HasSubstr("open 0 ?\nopen 1 ?\nopen 2 ?\nopen 3 ?\ndeath-signal"));
  EXPECT_EQ(ask_in(image.root(), {{SYS_close_range, ENOSYS}, {SYS_pidfd_open, ENOSYS}}),
            "answered, 1 devices");
  image.directory("/tmp");
  EXPECT_EQ(ask_in(image.root(), kNoMemfd), "answered, 1 devices");
  // execve needs /proc to name the file.
  EXPECT_EQ(ask_in(image.root(), {{SYS_execveat, ENOSYS}, {SYS_memfd_create, EACCES}}),
            "not started: memfd: Permission denied; /run: No such file or directory; /dev/shm: No "
            "such file or directory; /tmp: Function not implemented");
}

// Uninterruptible in the kernel, for all we can see: signals do not reach it.
TEST(Unkillable, IsLeftBehindAfterABoundedTime) {
  const FakeDriver driver("stubborn cuInit\n");
  const auto begin = Clock::now();
  EXPECT_EQ(
      in_another_process([&] {
        if (!refuse({{SYS_kill, EPERM}})) return std::string("no seccomp here");
        return in_words(driver.ask_within(300ms));
      }),
      "timed out: no whole answer within 0.3 s; it was in cuInit, and SIGKILL did not end it");
  EXPECT_GE(Clock::now() - begin, Child::kReapBound);
  EXPECT_LT(Clock::now() - begin, 10s);
}

}  // namespace
}  // namespace gpuinit::probe
