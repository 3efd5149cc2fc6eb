#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <csignal>
#include <fstream>

#include "base/json.h"
#include "seccomp/abis.h"
#include "seccomp/profile.h"
#include "support/run_program.h"
#include "support/system_call.h"

namespace gpuinit::seccomp {
namespace {

using test::errno_of;
using test::result_under;
using testing::HasSubstr;

// A container as Docker starts it.
TargetContext in_a_container(std::uint64_t more_capabilities = 0) {
  constexpr std::uint64_t kDefault = 0xa80425fb;  // of docker run
  return {kDefault | more_capabilities, {6, 1}, true};
}

std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

Program default_program(const TargetContext& here = in_a_container()) {
  auto program = compile(docker_default(here));
  EXPECT_TRUE(program) << program.error().message;
  return program ? *program : Program{};
}

TEST(DockerDefault, EveryNameIsACallAndNoRuleIsThereTwice) {
  std::set<std::string> seen;
  for (const Rule& rule : docker_default({~std::uint64_t{0}, {6, 1}, false}).rules) {
    EXPECT_TRUE(is_call_name(rule.call)) << rule.call;
    EXPECT_TRUE(rule.action == Action::kAllow || rule.call == "clone3" ||
                rule.call == "socketcall");
    seen.insert(rule.call);
  }
  EXPECT_GT(seen.size(), 390U);
}

TEST(DockerDefault, DeniesWhatAContainerMustNotDo) {
  const Program program = default_program();
  const auto under = [&](long number, test::Arguments arguments = {}) {
    return result_under(program, [=] { return errno_of(number, arguments); });
  };
  for (const long call : {SYS_mount, SYS_unshare, SYS_setns, SYS_bpf, SYS_keyctl, SYS_add_key,
                          SYS_kexec_load, SYS_swapon, SYS_userfaultfd, SYS_perf_event_open,
                          SYS_init_module, SYS_reboot, SYS_open_by_handle_at, SYS_mbind})
    EXPECT_EQ(under(call), EPERM) << call;
  EXPECT_EQ(under(SYS_clone3), ENOSYS);
  EXPECT_EQ(under(9999), ENOSYS);
  EXPECT_EQ(under(470), ENOSYS) << "listns is newer than the profile";
  EXPECT_EQ(under(SYS_clone, {CLONE_NEWUSER | SIGCHLD}), EPERM);
  EXPECT_EQ(under(SYS_socket, {AF_VSOCK, SOCK_STREAM}), EPERM);
  EXPECT_EQ(under(SYS_socket, {38, SOCK_STREAM}), EPERM) << "AF_ALG";
  EXPECT_EQ(under(SYS_socket, {AF_UNIX, SOCK_STREAM}), 0);
  EXPECT_EQ(under(SYS_personality, {0xffffffff}), 0);
  EXPECT_EQ(under(SYS_personality, {0x0040000}), EPERM) << "ADDR_NO_RANDOMIZE";
  EXPECT_EQ(under(SYS_getpid), 0);
}

#if defined(__x86_64__)
TEST(DockerDefault, HoldsForX32AndI386) {
  const Program program = default_program();
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_mount | kX32Bit); }), EPERM);
  EXPECT_EQ(result_under(program, [] { return errno_of(9999 | kX32Bit); }), ENOSYS);
  if (test::result_in_child([] { return test::errno_of_int80(20); }) != 0)
    GTEST_SKIP() << "this kernel has no 32-bit entry";
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(21); }), EPERM) << "mount";
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(310); }), EPERM) << "unshare";
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(435); }), ENOSYS) << "clone3";
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(9999); }), ENOSYS);
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(20); }), 0) << "getpid";
}

// socketcall(1, {family, type, protocol}), with the arguments where 32 bits reach them.
int errno_of_socketcall(unsigned family) {
  void* const low =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  auto* const arguments = static_cast<unsigned*>(low);
  arguments[0] = family;
  arguments[1] = SOCK_STREAM;
  arguments[2] = 0;
  return test::errno_of_int80(102, {1, static_cast<long>(reinterpret_cast<std::uintptr_t>(low))});
}

TEST(DockerDefault, NoFamilyComesInThroughSocketcall) {
  if (test::result_in_child([] { return errno_of_socketcall(AF_UNIX); }) != 0)
    GTEST_SKIP() << "this kernel has no 32-bit entry";
  const Program program = default_program();
  for (const unsigned family : {40U, 38U, 1U})
    EXPECT_EQ(result_under(program, [=] { return errno_of_socketcall(family); }), ENOSYS) << family;
  // i386's own socket(2).
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(359, {1, 1}); }), 0);
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(359, {40, 1}); }), EPERM);
  // Who needs it asks for it.
  Filter filter = docker_default(in_a_container());
  allow_call(filter, "socketcall");
  EXPECT_EQ(result_under(*compile(filter), [] { return errno_of_socketcall(AF_UNIX); }), 0);
}
#endif

TEST(DockerDefault, CapabilitiesAllowTheirCalls) {
  const auto allowed = [](int capability, int call) {
    return allows(default_program(in_a_container(bit(capability))), call);
  };
  EXPECT_EQ(allowed(CAP_SYS_ADMIN, SYS_mount), Allows::kAlways);
  EXPECT_EQ(allowed(CAP_SYS_ADMIN, SYS_clone), Allows::kAlways);
  EXPECT_EQ(allowed(CAP_SYS_ADMIN, SYS_clone3), Allows::kAlways);
  EXPECT_EQ(allowed(CAP_SYS_NICE, SYS_mbind), Allows::kAlways);
  EXPECT_EQ(allowed(CAP_SYS_PTRACE, SYS_kcmp), Allows::kAlways);
  EXPECT_EQ(allowed(CAP_SYS_TIME, SYS_kcmp), Allows::kNever);
  EXPECT_EQ(allowed(CAP_SYS_TIME, SYS_clone), Allows::kForSomeArguments);
}

TEST(DockerDefault, PtraceIsAllowedWhereItIsNoWayAroundTheFilter) {
  TargetContext here = in_a_container();
  EXPECT_EQ(allows(default_program(here), SYS_ptrace), Allows::kAlways);
  here.kernel = {4, 7};
  EXPECT_EQ(allows(default_program(here), SYS_ptrace), Allows::kNever);
}

// What people run, under the filter: they find their way without clone3 and all else.
TEST(DockerDefault, ProgramsOfTheCLibraryWork) {
  const Program program = default_program();
  const auto run = [&](const std::vector<std::string>& words) {
    test::RunOptions options;
    options.in_child = [&] {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (install_or_errno(program, 0) != 0) ::_exit(test::kFilterRefused);
    };
    return test::run_program(words, options);
  };
  EXPECT_EQ(
      run({"bash", "-c", "set -o pipefail; (exit 3) | cat; x=$(ls / | wc -l); exit $((x > 5))"})
          .exit_code,
      1);
  const test::Ran python =
      run({"python3", "-c",
           "import subprocess, threading, multiprocessing, tempfile, socket, os\n"
           "said = []\n"
           "t = threading.Thread(target=lambda: said.append(1)); t.start(); t.join()\n"
           "assert said == [1]\n"
           "assert subprocess.run(['sh', '-c', 'exit 5']).returncode == 5\n"
           "p = multiprocessing.Process(target=int); p.start(); p.join(); assert p.exitcode == 0\n"
           "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
           "tempfile.TemporaryFile().write(b'x')\n"
           "os.sched_getaffinity(0); os.getrandom(4); os.statvfs('/')\n"
           "print('done')\n"});
  EXPECT_EQ(python.out, "done\n") << python.err;
  EXPECT_EQ(run({"unshare", "--user", "true"}).exit_code, 1);
}

// The profile that podman installs, read as a JSON file: whatever is decided otherwise
// has a reason.
TEST(DockerDefault, DiffersFromPodmansProfileOnlyForAReason) {
  std::ifstream file("/usr/share/containers/seccomp.json");
  if (!file.is_open()) GTEST_SKIP() << "podman is not installed";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto profile = parse_profile(text, in_a_container());
  ASSERT_TRUE(profile) << profile.error().message;
  const auto theirs = compile(profile->filter);
  ASSERT_TRUE(theirs) << theirs.error().message;
  // Rootless containers within containers need these; i386's oldest calls; what the kernel
  // itself guards by capability.
  const std::set<std::string> podman_allows{
      "mount",     "umount",        "umount2",       "pivot_root",    "unshare",    "setns",
      "open_tree", "fsopen",        "fsconfig",      "fsmount",       "fspick",     "move_mount",
      "clone3",    "keyctl",        "mount_setattr", "pidfd_getfd",   "reboot",     "syslog",
      "mbind",     "signal",        "sigaction",     "get_mempolicy", "sigpending", "sigsuspend",
      "readdir",   "set_mempolicy", "socketcall"};
  // Newer than podman's list, or harmless since.
  const std::set<std::string> docker_allows{
      "vmsplice",     "io_pgetevents", "io_pgetevents_time64", "futex_waitv", "cachestat",
      "fchmodat2",    "uretprobe",     "map_shadow_stack",     "futex_wake",  "futex_wait",
      "futex_requeue"};
  const Program ours = default_program();
  int same = 0;
  for (const Abi& abi : kAbis)
    for (unsigned number = 0; number <= 456; ++number) {
      seccomp_data call{};
      call.nr = static_cast<int>(abi.first_number | number);
      call.arch = abi.audit_arch;
      const std::string name = call_name(call.arch, call.nr);
      if (name.starts_with("system call")) continue;
      const bool we = evaluate(ours, call) == SECCOMP_RET_ALLOW;
      const bool they = evaluate(*theirs, call) == SECCOMP_RET_ALLOW;
      if (we == they) ++same;
      else
        EXPECT_TRUE((we ? docker_allows : podman_allows).contains(name)) << abi.name << " " << name;
    }
  EXPECT_GT(same, 600);
}

TEST(Overrides, AllowLiftsWhatTheRulesSay) {
  Filter filter = docker_default(in_a_container());
  allow_call(filter, "clone");
  allow_call(filter, "userfaultfd");
  const auto program = compile(filter);
  ASSERT_TRUE(program);
  EXPECT_EQ(allows(*program, SYS_clone), Allows::kAlways);
  EXPECT_EQ(allows(*program, SYS_userfaultfd), Allows::kAlways);
}

TEST(Overrides, DenyTakesAwayWhatTheRulesAllow) {
  Filter filter = docker_default(in_a_container());
  deny_call(filter, "ptrace");
  deny_call(filter, "clone");
  const auto program = compile(filter);
  ASSERT_TRUE(program);
  EXPECT_EQ(allows(*program, SYS_ptrace), Allows::kNever);
  EXPECT_EQ(allows(*program, SYS_clone), Allows::kNever);
}

#if defined(__x86_64__)
TEST(Overrides, DeniedSocketCannotBeHadThroughSocketcallWhileTheOthersCan) {
  Filter filter = docker_default(in_a_container());
  std::erase_if(filter.rules, [](const Rule& rule) { return rule.call == "socketcall"; });
  filter.rules.push_back({"socketcall", Action::kAllow, 0, {}});
  deny_call(filter, "socket");
  deny_call(filter, "shmget");
  const auto program = compile(filter);
  ASSERT_TRUE(program);
  const auto i386 = [&](int number, std::uint64_t first) {
    return evaluate(*program, {number, AUDIT_ARCH_I386, 0, {first}});
  };
  constexpr int kSocketcall = 102;
  constexpr int kIpc = 117;
  EXPECT_EQ(i386(kSocketcall, 1), SECCOMP_RET_ERRNO | EPERM) << "socket";
  EXPECT_EQ(i386(kSocketcall, 3), SECCOMP_RET_ALLOW) << "connect";
  EXPECT_EQ(i386(kIpc, 23), SECCOMP_RET_ERRNO | EPERM) << "shmget";
  EXPECT_EQ(i386(kIpc, 21), SECCOMP_RET_ALLOW) << "shmat";
  EXPECT_EQ(allows(*program, SYS_socket), Allows::kNever);
}
#endif

TEST(Describe, NamesEveryRule) {
  Filter filter = docker_default(in_a_container());
  deny_call(filter, "ptrace");
  const std::string text = describe(filter);
  EXPECT_THAT(text, HasSubstr("what is not named is EPERM, newer calls than these are ENOSYS"));
  EXPECT_THAT(text, HasSubstr("allowed if argument 1 & 0x7e020000 == 0 (1): clone\n"));
  EXPECT_THAT(text, HasSubstr("allowed if argument 1 == 0x27 (1): socket\n"));
  EXPECT_THAT(text, HasSubstr("ENOSYS (2): clone3 socketcall\n"));
  EXPECT_THAT(text, HasSubstr("EPERM (1): ptrace\n"));
  for (const Rule& rule : filter.rules) EXPECT_THAT(text, HasSubstr(" " + rule.call)) << rule.call;
  std::size_t column = 0;
  for (const char c : text) {
    column = c == '\n' ? 0 : column + 1;
    EXPECT_LE(column, 98U);
  }
  const base::Json json = filter_json(filter);
  EXPECT_EQ(*json.find("otherwise")->as_string(), "EPERM");
  EXPECT_EQ(*json.find("newer")->as_string(), "ENOSYS");
  EXPECT_EQ(json.find("abis")->as_array()->size(), kAbis.size());
  EXPECT_GT(json.find("rules")->as_array()->size(), 5U);
}

}  // namespace
}  // namespace gpuinit::seccomp
