#include "seccomp/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <csignal>

#include "seccomp/abis.h"
#include "support/system_call.h"

namespace gpuinit::seccomp {
namespace {

using test::errno_of;
using test::result_in_child;
using test::result_under;
using testing::HasSubstr;
using Is = Test::Is;  // inside TEST, `Test` is GoogleTest's

Rule deny(std::string call, int error = EPERM, std::vector<Test> tests = {}) {
  return {std::move(call), Action::kError, error, std::move(tests)};
}

Rule allow(std::string call, std::vector<Test> tests = {}) {
  return {std::move(call), Action::kAllow, 0, std::move(tests)};
}

Filter denying(std::vector<Rule> rules) {
  Filter filter;
  filter.rules = std::move(rules);
  return filter;
}

// Allows what a child of these tests needs, nothing else.
Filter allowing(std::vector<Rule> rules) {
  Filter filter;
  filter.otherwise = Action::kError;
  filter.otherwise_error = EPERM;
  filter.rules = std::move(rules);
  for (const char* call : {"exit_group", "write", "rt_sigreturn"})
    filter.rules.push_back(allow(call));
  return filter;
}

Program compiled(const Filter& filter) {
  auto program = compile(filter);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *program : Program{};
}

TEST(Filter, DeniedCallFailsWithTheErrorOfItsRule) {
  const Program program = compiled(denying({deny("getppid", EACCES), deny("mkdir", EROFS)}));
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getppid); }), EACCES);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_mkdir); }), EROFS);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getuid); }), 0);
}

TEST(Filter, WhatIsNotAllowedFailsWithTheErrorOfAllOthers) {
  const Program program = compiled(allowing({allow("getppid")}));
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getppid); }), 0);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getuid); }), EPERM);
}

TEST(Filter, ArgumentsDecide) {
  const Program program = compiled(allowing({
      allow("getpriority", {{.argument = 0, .is = Is::kEqual, .value = 2}}),
      allow("getpgid", {{.argument = 0, .is = Is::kMaskedEqual, .value = 0, .mask = 0xff00}}),
      allow("getsid", {{.argument = 0, .is = Is::kLess, .value = 2}}),
  }));
  const auto under = [&](long number, long argument) {
    return result_under(program, [=] { return errno_of(number, {argument}); });
  };
  EXPECT_EQ(under(SYS_getpriority, 2), 0);
  EXPECT_EQ(under(SYS_getpriority, 1), EPERM);
  EXPECT_NE(under(SYS_getpgid, 0xff), EPERM) << "ESRCH or success: the kernel was asked";
  EXPECT_EQ(under(SYS_getpgid, 0x1ff), EPERM);
  EXPECT_EQ(under(SYS_getsid, 0), 0);
  EXPECT_EQ(under(SYS_getsid, 3), EPERM);
}

TEST(Filter, EveryActionDoesWhatItSays) {
  const auto with = [](Action action) {
    return compiled(denying({{"getppid", action, EPERM, {}}}));
  };
  const auto call = [] { return errno_of(SYS_getppid); };
  EXPECT_EQ(result_under(with(Action::kLog), call), 0);
  EXPECT_EQ(result_under(with(Action::kTrap), call), 128 + SIGSYS);
  EXPECT_EQ(result_under(with(Action::kKillThread), call), 128 + SIGSYS);
  EXPECT_EQ(result_under(with(Action::kKillProcess), call), 128 + SIGSYS);
}

#if defined(__x86_64__)
bool has_int80() {
  return result_in_child([] { return test::errno_of_int80(20); }) == 0;
}

// getppid is 110 in x86-64 and x32, 64 in i386.
TEST(Filter, HoldsForTheEntriesOfOtherAbis) {
  const Program program = compiled(denying({deny("getppid", EACCES)}));
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getppid); }), EACCES);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getppid | kX32Bit); }), EACCES);
  if (!has_int80()) GTEST_SKIP() << "this kernel has no 32-bit entry";
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(64); }), EACCES);
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(24); }), 0) << "getuid";
}

TEST(Filter, SocketIsAlsoDeniedThroughSocketcall) {
  if (!has_int80()) GTEST_SKIP() << "this kernel has no 32-bit entry";
  const Program program = compiled(denying({deny("socket", EACCES)}));
  EXPECT_EQ(result_under(program,
                         [] {
                           return errno_of(SYS_socket, {AF_UNIX, SOCK_STREAM, 0});
                         }),
            EACCES);
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(102, {1, 0}); }), EACCES);
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(359, {1, 1}); }), EACCES);
  EXPECT_EQ(result_under(program,
                         [] {
                           return test::errno_of_int80(102, {2, 0});
                         }),
            EFAULT)
      << "bind goes to the kernel, which finds no arguments";
}
#endif

TEST(Filter, CallsThatLibseccompDoesNotKnowCanBeDenied) {
  const Program program = compiled(denying({deny("listns", EACCES), deny("mseal", EXDEV)}));
  EXPECT_EQ(result_under(program, [] { return errno_of(470); }), EACCES);
  EXPECT_EQ(result_under(program, [] { return errno_of(462); }), EXDEV);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getuid); }), 0);
#if defined(__x86_64__)
  EXPECT_EQ(result_under(program, [] { return errno_of(462 | kX32Bit); }), EXDEV);
  if (!has_int80()) GTEST_SKIP() << "this kernel has no 32-bit entry";
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(462); }), EXDEV);
#endif
}

TEST(Filter, CallsNewerThanAllThatItNamesAreMissing) {
  Filter filter = allowing({allow("openat2"), deny("clone3", ENOSYS)});
  filter.enosys_for_newer_calls = true;
  const Program program = compiled(filter);
  EXPECT_EQ(result_under(program, [] { return errno_of(9999); }), ENOSYS);
  EXPECT_EQ(result_under(program, [] { return errno_of(438); }), ENOSYS) << "openat2 is 437";
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getuid); }), EPERM);
  EXPECT_EQ(result_under(program, [] { return errno_of(435); }), ENOSYS) << "clone3";
#if defined(__x86_64__)
  EXPECT_EQ(result_under(program, [] { return errno_of(9999 | kX32Bit); }), ENOSYS);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getuid | kX32Bit); }), EPERM);
  if (has_int80()) {
    EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(9999); }), ENOSYS);
    EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(24); }), EPERM) << "getuid";
  }
#endif
}

TEST(Filter, NewerCallsGetTheErrorOfAllOthersIfTheyAreNotToBeMissing) {
  const Program program = compiled(allowing({}));
  EXPECT_EQ(result_under(program, [] { return errno_of(9999); }), EPERM);
}

TEST(Filter, NamesOfOtherMachinesAreLeftOut) {
  EXPECT_TRUE(compile(denying({deny("s390_runtime_instr"), deny("riscv_hwprobe"),
                               deny("socketcall"), deny("arm_fadvise64_64")})));
}

TEST(Filter, NameThatIsNoneIsAnError) {
  const auto program = compile(denying({deny("mount_setatr")}));
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("`mount_setatr`"));
}

TEST(Filter, ArgumentsOfACallThatLibseccompDoesNotKnowAreAnError) {
  const auto program = compile(denying({deny("listns", EPERM, {{.argument = 0, .value = 1}})}));
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("listns cannot look at its arguments"));
}

TEST(Filter, TwoTestsOfOneArgumentAreAnError) {
  EXPECT_FALSE(compile(denying(
      {deny("getsid", EPERM, {{.argument = 0, .value = 1}, {.argument = 0, .value = 2}})})));
}

TEST(Filter, SaysWhatTheKernelWouldDo) {
  const Program program = compiled(
      denying({deny("getppid", EACCES), deny("getsid", ESRCH, {{.argument = 0, .value = 7}})}));
  seccomp_data call{};
  call.arch = kAbis[0].audit_arch;
  call.nr = SYS_getppid;
  EXPECT_EQ(evaluate(program, call), SECCOMP_RET_ERRNO | EACCES);
  call.nr = SYS_getsid;
  EXPECT_EQ(evaluate(program, call), SECCOMP_RET_ALLOW);
  call.args[0] = 7;
  EXPECT_EQ(evaluate(program, call), SECCOMP_RET_ERRNO | ESRCH);
  EXPECT_EQ(allows(program, SYS_getppid), Allows::kNever);
  EXPECT_EQ(allows(program, SYS_getsid), Allows::kForSomeArguments);
  EXPECT_EQ(allows(program, SYS_execve), Allows::kAlways);
  EXPECT_EQ(evaluate({}, call), SECCOMP_RET_KILL_PROCESS);
}

TEST(Filter, ListenerHearsOfTheCall) {
  const Program program = compiled(denying({{"getppid", Action::kNotify, 0, {}}}));
  const int result = result_in_child([&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto listener = install_with_listener(program);
    if (!listener) return 1;
    const pid_t caller = ::fork();  // under the same filter
    if (caller == 0) ::_exit(errno_of(SYS_getppid));
    seccomp_notif heard{};
    if (::ioctl(*listener, SECCOMP_IOCTL_NOTIF_RECV, &heard) != 0) return 2;
    if (call_name(heard.data.arch, heard.data.nr) != "getppid") return 3;
    seccomp_notif_resp answer{heard.id, 0, -EXDEV, 0};
    if (::ioctl(*listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) return 4;
    int status = 0;
    ::waitpid(caller, &status, 0);
    return WEXITSTATUS(status) == EXDEV ? 0 : 5;
  });
  EXPECT_EQ(result, 0);
}

TEST(Filter, SpeculationFlagIsDroppedWhereTheKernelDoesNotKnowIt) {
  const Program program = compiled(denying({deny("getppid")}));
  EXPECT_EQ(result_in_child([&] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              if (!install(program, install_flags({}))) return 1;
              return errno_of(SYS_getppid);
            }),
            EPERM);
}

TEST(Filter, LoggingIsAFlagOfItsInstallation) {
  Filter filter = denying({deny("getppid")});
  EXPECT_EQ(install_flags(filter) & SECCOMP_FILTER_FLAG_LOG, 0U);
  filter.log = true;
  EXPECT_NE(install_flags(filter) & SECCOMP_FILTER_FLAG_LOG, 0U);
  const Program program = compiled(filter);
  EXPECT_EQ(result_in_child([&] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              if (!install(program, install_flags(filter))) return 1;
              return errno_of(SYS_getppid);
            }),
            EPERM);
}

TEST(Filter, WithoutPrivilegeTheKernelRefusesIt) {
  const Program program = compiled(denying({deny("getppid")}));
  EXPECT_EQ(result_in_child([&] {
              if (::setuid(65534) != 0 && ::getuid() == 0) return 2;
              const Status installed = install(program, 0);
              return installed ? 1 : installed.error().code;
            }),
            EACCES);
}

TEST(CallNames, OfEveryAbi) {
  EXPECT_EQ(call_name(kAbis[0].audit_arch, SYS_mount), "mount");
  EXPECT_EQ(call_name(kAbis[0].audit_arch, 462), "mseal");
  EXPECT_EQ(call_name(kAbis[0].audit_arch, 9999), "system call 9999");
#if defined(__x86_64__)
  EXPECT_EQ(call_name(AUDIT_ARCH_I386, 102), "socketcall");
  EXPECT_EQ(call_name(AUDIT_ARCH_X86_64, static_cast<int>(SYS_mount | kX32Bit)), "mount");
  EXPECT_EQ(call_name(AUDIT_ARCH_X86_64, 335), "uretprobe");
#endif
}

TEST(CallNames, AreKnownOrANearOneIsSuggested) {
  EXPECT_TRUE(is_call_name("mount"));
  EXPECT_TRUE(is_call_name("socketcall")) << "of i386 only";
  EXPECT_TRUE(is_call_name("listxattrat")) << "newer than libseccomp";
  EXPECT_TRUE(is_call_name("riscv_hwprobe"));
  EXPECT_FALSE(is_call_name("mounty"));
  EXPECT_FALSE(is_call_name(""));
  EXPECT_EQ(no_such_call("umout2"), "there is no system call `umout2`; did you mean `umount2`?");
  EXPECT_EQ(no_such_call("sokcetcall"),
            "there is no system call `sokcetcall`; did you mean `socketcall`?");
  EXPECT_EQ(no_such_call("zzzzzzzz"), "there is no system call `zzzzzzzz`");
}

}  // namespace
}  // namespace gpuinit::seccomp
