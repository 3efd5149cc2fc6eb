#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

constexpr unsigned kClone3 = 435;
constexpr char kFiltered[] = "Name:\tx\nSeccomp:\t2\n";

// What read_clone3_errno() says in a process where a filter does `action` to clone3; -1: unknown.
int clone3_under(unsigned action) {
  const pid_t child = ::fork();
  if (child == 0) {
    sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kClone3, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, action),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{4, code};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      ::_exit(255);
    ::_exit(read_clone3_errno(kFiltered).value_or(254));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "the filter has ended the one who asked";
  EXPECT_NE(WEXITSTATUS(status), 255) << "no filter could be set";
  return WEXITSTATUS(status) == 254 ? -1 : WEXITSTATUS(status);
}

TEST(Tasks, Clone3SaysWhatAFilterMakesOfIt) {
  EXPECT_EQ(read_clone3_errno(""), Fact<int>(EINVAL)) << "nothing was made";
  EXPECT_EQ(clone3_under(SECCOMP_RET_ALLOW), EINVAL);
  EXPECT_EQ(clone3_under(SECCOMP_RET_ERRNO | EPERM), EPERM);
  EXPECT_EQ(clone3_under(SECCOMP_RET_ERRNO | ENOSYS), ENOSYS);
}

TEST(Tasks, AFilterThatKillsKillsOnlyTheChildThatAsked) {
  EXPECT_EQ(clone3_under(SECCOMP_RET_KILL_PROCESS), -1);
}

TEST(Tasks, TheLimitOfTheUserDoesNotBindRoot) {
  test::Tree tree;
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  constexpr char kNoCapability[] = "CapEff:\t0000000000000000\n";
  struct rlimit limit {};
  ASSERT_EQ(::getrlimit(RLIMIT_NPROC, &limit), 0);
  const auto left = read_tasks_left(*fs, kNoCapability);
  if (::getuid() == 0 || limit.rlim_cur == RLIM_INFINITY) EXPECT_TRUE(left.is_absent());
  else EXPECT_EQ(left, Fact<std::uint64_t>(limit.rlim_cur));
  EXPECT_TRUE(read_tasks_left(*fs, "CapEff:\t0000000001000000\n").is_absent());
  tree.file("proc/self/cgroup", "0::/\n").file("sys/fs/cgroup/pids.max", "7\n");
  EXPECT_EQ(read_tasks_left(*fs, "CapEff:\t0000000001000000\n"), Fact<std::uint64_t>(7U));
}

TEST(Tasks, CpusAreThoseOfThisProcess) { EXPECT_GE(read_cpus().value_or(0), 1U); }

}  // namespace
}  // namespace gpuinit::node
