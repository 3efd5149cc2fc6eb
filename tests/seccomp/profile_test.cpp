#include "seccomp/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

#include "seccomp/abis.h"
#include "seccomp/target_context.h"
#include "support/system_call.h"

namespace gpuinit::seccomp {
namespace {

using test::errno_of;
using test::result_under;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const TargetContext kHere{1U << CAP_SYS_CHROOT, {5, 10}, true};

Filter filter_of(const std::string& text) {
  auto profile = parse_profile(text, kHere);
  EXPECT_TRUE(profile) << profile.error().message << "\n" << text;
  return profile ? profile->filter : Filter{};
}

std::string error_of(const std::string& text) {
  const auto profile = parse_profile(text, kHere);
  return profile ? "" : profile.error().message;
}

// A profile that allows everything but these entries of `syscalls`.
std::string with(const std::string& entries) {
  return R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [)" + entries + "]}";
}

std::vector<std::string> calls(const Filter& filter) {
  std::vector<std::string> names;
  for (const Rule& rule : filter.rules) names.push_back(rule.call);
  return names;
}

Program program_of(const std::string& text) {
  auto program = compile(filter_of(text));
  EXPECT_TRUE(program) << program.error().message;
  return program ? *program : Program{};
}

TEST(Profile, DeniesAsItSays) {
  const Program program = program_of(with(R"(
      {"names": ["getppid", "mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 30},
      {"names": ["getsid"], "action": "SCMP_ACT_ERRNO",
       "args": [{"index": 0, "value": 255, "valueTwo": 4, "op": "SCMP_CMP_MASKED_EQ"}]},
      {"name": "rmdir", "action": "SCMP_ACT_ERRNO", "errno": "ENOLINK", "errnoRet": 1})"));
  const auto under = [&](long number, long argument = 0) {
    return result_under(program, [=] { return errno_of(number, {argument}); });
  };
  EXPECT_EQ(under(SYS_getppid), EROFS);
  EXPECT_EQ(under(SYS_mkdir), EROFS);
  EXPECT_EQ(under(SYS_rmdir), ENOLINK) << "podman's names of errors";
  EXPECT_EQ(under(SYS_getsid, 0x104), EPERM);
  EXPECT_EQ(under(SYS_getsid, 0), 0);
}

TEST(Profile, AllowsAsItSays) {
  const Program program = program_of(
      R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": [
          {"names": ["getppid", "exit_group", "clone3"], "action": "SCMP_ACT_ALLOW"}]})");
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getppid); }), 0);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getuid); }), EACCES);
  EXPECT_EQ(result_under(program, [] { return errno_of(9999); }), ENOSYS)
      << "newer than all that the profile names, as runc has it";
}

TEST(Profile, EveryActionIsKnownOrRefusedWithItsPlace) {
  using testing::Matcher;
  const std::pair<const char*, Action> known[] = {{"ALLOW", Action::kAllow},
                                                  {"ERRNO", Action::kError},
                                                  {"LOG", Action::kLog},
                                                  {"TRAP", Action::kTrap},
                                                  {"KILL", Action::kKillThread},
                                                  {"KILL_THREAD", Action::kKillThread},
                                                  {"KILL_PROCESS", Action::kKillProcess}};
  for (const auto& [name, action] : known) {
    const std::string word = std::string("SCMP_ACT_") + name;
    const Filter filter = filter_of(with(R"({"names": ["mkdir"], "action": ")" + word + "\"}"));
    ASSERT_EQ(filter.rules.size(), 1U);
    EXPECT_EQ(filter.rules[0].action, action) << name;
    EXPECT_EQ(filter_of(R"({"defaultAction": ")" + word + "\"}").otherwise, action);
  }
  for (const char* name : {"SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"}) {
    EXPECT_THAT(error_of(with(R"({"names": ["a"], "action": ")" + std::string(name) + "\"}")),
                StartsWith("syscalls[0].action: " + std::string(name) + " is not supported: "));
    EXPECT_THAT(error_of(R"({"defaultAction": ")" + std::string(name) + "\"}"),
                StartsWith("defaultAction: " + std::string(name) + " is not supported"));
  }
  EXPECT_EQ(error_of(R"({"defaultAction": "ALLOW"})"), "defaultAction: there is no action `ALLOW`");
}

TEST(Profile, ArchitecturesAreThoseItLists) {
  const auto abis = [](const std::string& member) {
    return filter_of(R"({"defaultAction": "SCMP_ACT_ALLOW")" + member + "}").abis;
  };
  EXPECT_EQ(abis(""), 1U) << "the machine's own";
#if defined(__x86_64__)
  EXPECT_EQ(abis(R"(, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])"), 0b101U);
  EXPECT_EQ(abis(R"(, "architectures": ["SCMP_ARCH_X32", "SCMP_ARCH_ARM"])"), 0b011U);
  EXPECT_EQ(abis(R"(, "archMap": [
      {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_X32"]},
      {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}])"),
            0b101U);
#endif
  EXPECT_THAT(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
                           "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]})"),
              HasSubstr("archMap: stands beside `architectures`"));
}

#if defined(__x86_64__)
TEST(Profile, AnAbiThatItDoesNotListEndsTheThread) {
  if (test::result_in_child([] { return test::errno_of_int80(20); }) != 0)
    GTEST_SKIP() << "this kernel has no 32-bit entry";
  const Program program = program_of(R"({"defaultAction": "SCMP_ACT_ALLOW"})");
  EXPECT_EQ(result_under(program, [] { return test::errno_of_int80(20); }), 128 + SIGSYS);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getpid | kX32Bit); }), 128 + SIGSYS);
  EXPECT_EQ(result_under(program, [] { return errno_of(SYS_getpid); }), 0);
}
#endif

TEST(Profile, IncludesAndExcludesDecideByCapabilityMachineAndKernel) {
  const auto there = [](const std::string& condition) {
    return filter_of(with(R"({"names": ["mkdir"], "action": "SCMP_ACT_LOG", )" + condition + "}"))
               .rules.size() == 1;
  };
  EXPECT_TRUE(there(R"("includes": {"caps": ["CAP_SYS_CHROOT"]})"));
  EXPECT_FALSE(there(R"("includes": {"caps": ["CAP_SYS_CHROOT", "CAP_SYS_ADMIN"]})"));
  EXPECT_FALSE(there(R"("excludes": {"caps": ["CAP_SYS_CHROOT"]})"));
  EXPECT_FALSE(there(R"("excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]})"));
  EXPECT_TRUE(there(R"("includes": {}, "excludes": {}, "comment": "", "args": null)"));
  EXPECT_TRUE(there(R"("includes": {"minKernel": "5.10"})"));
  EXPECT_FALSE(there(R"("includes": {"minKernel": "5.11"})"));
  EXPECT_FALSE(there(R"("excludes": {"minKernel": "4.8"})"));
  EXPECT_FALSE(there(R"("includes": {"arches": ["s390x"]})"));
  EXPECT_TRUE(there(R"("excludes": {"arches": ["s390", "s390x"]})"));
#if defined(__x86_64__)
  EXPECT_TRUE(there(R"("includes": {"arches": ["arm64", "amd64"]})"));
#endif
}

TEST(Profile, SeveralTestsOfOneArgumentAreAlternatives) {
  const Filter filter = filter_of(with(R"({"names": ["getsid"], "action": "SCMP_ACT_LOG", "args": [
      {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]})"));
  EXPECT_THAT(calls(filter), ElementsAre("getsid", "getsid"));
  EXPECT_EQ(filter.rules[1].tests.size(), 1U);
}

TEST(Profile, NamesThatAreNoCallsAreLeftOutOnlyWhereThatAllowsLess) {
  const auto profile = parse_profile(
      R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
          {"names": ["mkdir", "call_of_2031"], "action": "SCMP_ACT_ALLOW"}]})",
      kHere);
  ASSERT_TRUE(profile);
  EXPECT_THAT(calls(profile->filter), ElementsAre("mkdir"));
  EXPECT_THAT(profile->unknown_names, ElementsAre("call_of_2031"));
  EXPECT_EQ(error_of(with(R"({"names": ["mkdir", "mout"], "action": "SCMP_ACT_ERRNO"})")),
            "syscalls[0].names[1]: there is no system call `mout`; did you mean `mount`?");
}

TEST(Profile, LogIsAFlag) {
  EXPECT_TRUE(filter_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG",
                            "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]})")
                  .log);
  EXPECT_THAT(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW",
                           "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]})"),
              StartsWith("flags[0]: "));
}

TEST(Profile, WhatIsWrongIsNamedWithItsPlace) {
  const std::pair<std::string, const char*> wrong[] = {
      {"", "parse error"},
      {"[]", "the profile: expected an object, got an array"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW")", "parse error at line 1"},
      {"{}", "defaultAction: is missing"},
      {R"({"defaultAction": 1})", "defaultAction: expected a string, got number 1"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "sycalls": []})",
       "the profile: unknown key `sycalls`; did you mean `syscalls`?"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/a.sock"})",
       "listenerPath: is not supported"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}})",
       "syscalls: expected an array, got an object"},
      {with("3"), "syscalls[0]: expected an object, got number 3"},
      {with(R"({"names": "mkdir", "action": "SCMP_ACT_LOG"})"),
       "syscalls[0].names: expected an array, got string \"mkdir\""},
      {with(R"({"names": ["mkdir", 1], "action": "SCMP_ACT_LOG"})"),
       "syscalls[0].names[1]: expected a string, got number 1"},
      {with(R"({"names": ["mkdir"]})"), "syscalls[0].action: is missing"},
      {with(R"({"names": ["mkdir"], "name": "rmdir", "action": "SCMP_ACT_LOG"})"),
       "syscalls[0]: has both `name` and `names`"},
      {with(R"({"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096})"),
       "syscalls[0].errnoRet: 4096 is more than 4095"},
      {with(R"({"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": -1})"),
       "syscalls[0].errnoRet: expected a whole number, got number -1"},
      {with(R"({"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errno": "EHUH"})"),
       "syscalls[0].errno: there is no error `EHUH`"},
      {with(R"({"names": ["mkdir"], "action": "SCMP_ACT_LOG", "args": [{"index": 6}]})"),
       "syscalls[0].args[0].index: 6 is more than 5"},
      {with(
           R"({"names": ["mkdir"], "action": "SCMP_ACT_LOG", "args": [{"index": 1, "op": "EQ"}]})"),
       "syscalls[0].args[0].op: there is no comparison `EQ`"},
      {with(R"({"names": ["mkdir"], "action": "SCMP_ACT_LOG", "includes": {"caps": ["CAP_X"]}})"),
       "syscalls[0].includes.caps: there is no capability `CAP_X`"},
      {with(R"({"names": ["mkdir"], "action": "SCMP_ACT_LOG", "excludes": {"minKernel": "new"}})"),
       "syscalls[0].excludes.minKernel: expected a version such as \"4.8\", got string \"new\""},
      {std::string(100'000, '['), "nested deeper"},
  };
  for (const auto& [text, part] : wrong) EXPECT_THAT(error_of(text), HasSubstr(part)) << text;
}

TEST(Profile, ErrorsHaveNoControlCharactersOfTheFile) {
  const std::string error = error_of("{\"defaultAction\": \"SCMP_A\x7f\x1b[31m\"");
  EXPECT_THAT(error, HasSubstr("parse error"));
  for (const char c : error) EXPECT_TRUE(c >= 0x20 && c != 0x7f) << error;
}

TEST(Profile, MoreRulesThanTheKernelCouldTakeAreRefusedAtOnce) {
  std::string names = "\"mkdir\"";
  for (int i = 0; i < 5000; ++i) names += ",\"mkdir\"";
  EXPECT_THAT(error_of(with(R"({"names": [)" + names + R"(], "action": "SCMP_ACT_ERRNO"})")),
              HasSubstr("more than 4096 rules"));
}

TEST(TargetContext, OfThisProcess) {
  const TargetContext here = read_target_context();
  EXPECT_GE(here.kernel, std::pair(3, 0));
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const int result = test::result_in_child([] {
    if (::setuid(65534) != 0) return 1;
    const TargetContext then = read_target_context();
    return then.needs_no_new_privs && then.capabilities == 0 ? 0 : 2;
  });
  EXPECT_EQ(result, 0) << "without privileges it can have none of its bounding set";
}

TEST(TargetContext, Words) {
  EXPECT_EQ(capability_number("CAP_SYS_ADMIN"), CAP_SYS_ADMIN);
  EXPECT_EQ(capability_number("CAP_AUDIT_READ"), CAP_AUDIT_READ);
  EXPECT_EQ(capability_number("CAP_CHECKPOINT_RESTORE"), 40);
  EXPECT_FALSE(capability_number("SYS_ADMIN"));
  EXPECT_EQ(kernel_version("6.1.0-13-amd64"), std::pair(6, 1));
  EXPECT_EQ(kernel_version("4.8"), std::pair(4, 8));
  EXPECT_EQ(kernel_version("3.10-rc1"), std::pair(3, 10));
  for (const char* wrong : {"", "6", "6.", ".1", "x.1", "6.x", "99999999999999999999.1"})
    EXPECT_FALSE(kernel_version(wrong)) << wrong;
}

}  // namespace
}  // namespace gpuinit::seccomp
