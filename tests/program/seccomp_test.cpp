// [seccomp] of the policy: the command is under its filter, gpuinit is not, and where
// that cannot be had nothing is started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "probe/syscall_filter.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> under(const std::vector<std::string>& settings,
                               const std::vector<std::string>& rest) {
  std::vector<std::string> words{"--set", "gpu.required=no"};
  for (const auto& setting : settings) {
    words.emplace_back("--set");
    words.push_back(setting);
  }
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

const char* const kModes[] = {"launch.mode=exec", "launch.mode=supervise"};
constexpr char kDocker[] = "seccomp.base=docker-default";

class Seccomp : public testing::Test {
 protected:
  // A command that fails to make a directory, and says so.
  std::vector<std::string> make_directory() { return {"/bin/mkdir", tree_.at("made")}; }
  bool made() { return ::access(tree_.at("made").c_str(), F_OK) == 0; }

  Tree tree_;
};

TEST_F(Seccomp, DeniedCallFailsInTheCommandInBothModes) {
  for (const char* mode : kModes) {
    const Ran ran =
        gpuinit(under({mode, R"(seccomp.deny=["mkdir", "mkdirat"])"}, make_directory()));
    EXPECT_EQ(ran.exit_code, 1) << mode;
    EXPECT_THAT(ran.err, HasSubstr("Operation not permitted"));
    EXPECT_FALSE(made());
  }
}

TEST_F(Seccomp, TheCommandIsUnderTheFilterAndItsSupervisorIsNot) {
  const Ran ran =
      gpuinit(under({kDocker, "launch.mode=supervise"},
                    {"/bin/sh", "-c",
                     "grep -h ^Seccomp: /proc/$$/status; grep -h ^Seccomp: /proc/$PPID/status"}));
  EXPECT_EQ(ran.out, "Seccomp:\t2\nSeccomp:\t0\n") << ran.err;
  EXPECT_EQ(gpuinit(under({kDocker}, {"/bin/grep", "^Seccomp:", "/proc/self/status"})).out,
            "Seccomp:\t2\n");
}

TEST_F(Seccomp, WithoutASettingThereIsNoFilter) {
  for (const char* mode : kModes)
    EXPECT_EQ(gpuinit(under({mode}, {"/bin/grep", "^Seccomp:", "/proc/self/status"})).out,
              "Seccomp:\t0\n");
}

TEST_F(Seccomp, NoNewPrivilegesAreSetOnlyWhereTheKernelAsksForThem) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto words = under({kDocker}, {"/bin/grep", "^NoNewPrivs", "/proc/self/status"});
  EXPECT_EQ(gpuinit(words).out, "NoNewPrivs:\t0\n");
  RunOptions options = clean();
  options.in_child = [] {
    if (::setuid(65534) != 0) ::_exit(252);
  };
  EXPECT_EQ(gpuinit(words, options).out, "NoNewPrivs:\t1\n");
}

TEST_F(Seccomp, DockersDefaultAndTheListsOverIt) {
  const auto unshare = [&](std::vector<std::string> settings) {
    settings.emplace_back(kDocker);
    RunOptions options = clean();
    options.in_child = [] {
      if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(252);
    };
    return gpuinit(under(settings, {"/usr/bin/unshare", "--user", "true"}), options);
  };
  EXPECT_THAT(unshare({}).err, HasSubstr("unshare failed: Operation not permitted"));
  const Ran denied =
      gpuinit(under({kDocker, R"(seccomp.deny=["mkdir","mkdirat"])"}, make_directory()));
  EXPECT_EQ(denied.exit_code, 1);
  EXPECT_EQ(gpuinit(under({kDocker}, {"/usr/bin/python3", "-c",
                                      "import threading; t = threading.Thread(target=print, "
                                      "args=('threads',)); t.start(); t.join()"}))
                .out,
            "threads\n");
}

TEST_F(Seccomp, AProfileDecides) {
  tree_.file("profile.json", R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
      {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]})");
  const std::string profile = "seccomp.profile=" + tree_.at("profile.json").string();
  const Ran ran = gpuinit(under({profile}, make_directory()));
  EXPECT_THAT(ran.err, HasSubstr("No space left on device"));
  EXPECT_EQ(
      gpuinit(under({profile, R"(seccomp.allow=["mkdir","mkdirat"])"}, make_directory())).exit_code,
      0);
}

TEST_F(Seccomp, WhatIsWrongIsAnErrorOfThePolicyAndNothingIsStarted) {
  tree_.file("typo.toml", "version = 1\n[seccomp]\ndeny = [\"mount\", \"umuont2\"]\n");
  tree_.file("short.json", R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)");
  tree_.file("action.json", R"({"defaultAction": "SCMP_ACT_TRACE"})");
  tree_.file("huge.json", std::string(10 << 20, ' '));
  tree_.file("deep.json", std::string(1 << 20, '['));
  tree_.file("strict.json", R"({"defaultAction": "SCMP_ACT_KILL_PROCESS"})");
  const auto profile = [&](const char* name) {
    return std::vector<std::string>{"seccomp.profile=" + tree_.at(name).string()};
  };
  struct Case {
    std::vector<std::string> settings;
    std::string message;
  };
  const Case cases[] = {
      {{R"(seccomp.deny=["mkdir"])", R"(seccomp.allow=["mkdir"])"},
       "seccomp.allow (--set) and seccomp.deny (--set) both name `mkdir`"},
      {{kDocker, "seccomp.profile=/etc/passwd"}, "from a profile or from a base, not from both"},
      {{"seccomp.deny=execve"}, "denies execve"},
      {profile("nowhere.json"), "nowhere.json: No such file or directory"},
      {profile("short.json"), "short.json: parse error at line 1"},
      {profile("action.json"), "action.json: defaultAction: SCMP_ACT_TRACE is not supported"},
      {profile("huge.json"), "huge.json"},
      {profile("deep.json"), "deep.json: nested deeper than"},
      {profile("strict.json"), "denies execve"},
  };
  for (const auto& [settings, message] : cases)
    for (const auto& verb : {std::vector<std::string>{}, {"--print-policy"}, {"--check"}}) {
      std::vector<std::string> rest = verb;
      if (verb.empty()) rest = make_directory();
      const Ran ran = gpuinit(under(settings, rest));
      EXPECT_EQ(ran.exit_code, 78) << message;
      EXPECT_THAT(ran.err, HasSubstr(message));
      EXPECT_FALSE(made());
    }
  const Ran typo = gpuinit({"--policy", tree_.at("typo.toml"), "--print-policy"});
  EXPECT_EQ(typo.exit_code, 78);
  EXPECT_THAT(typo.err, HasSubstr("typo.toml:3:8: `seccomp.deny`: expected"));
  EXPECT_THAT(typo.err, HasSubstr("there is no system call `umuont2`; did you mean `umount2`?"));
}

TEST_F(Seccomp, WhereTheKernelRefusesTheFilterTheCommandIsNotStarted) {
  for (const char* mode : kModes) {
    RunOptions options = clean();
    options.in_child = [] {
      if (!refuse({{SYS_seccomp, EPERM}})) ::_exit(252);
    };
    const Ran ran = gpuinit(under({mode, kDocker}, make_directory()), options);
    EXPECT_EQ(ran.exit_code, 78) << mode;
    EXPECT_THAT(ran.err, HasSubstr("the command was not started: the kernel refuses the policy's "
                                   "seccomp filter (Operation not permitted)"));
    EXPECT_FALSE(made());
  }
}

TEST_F(Seccomp, ChecksThatAreOffDoNotTakeTheFilterAway) {
  const Ran ran = gpuinit(under({R"(seccomp.deny=["mkdir","mkdirat"])"}, make_directory()),
                          clean({{"GPUINIT", "off"}}));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_FALSE(made());
  const Ran wrong =
      gpuinit(under({"seccomp.profile=/nowhere"}, {"/bin/true"}), clean({{"GPUINIT", "off"}}));
  EXPECT_EQ(wrong.exit_code, 0) << "no policy may stop the launch then";
  EXPECT_THAT(wrong.err, HasSubstr("the command starts without a filter: seccomp.profile (--set)"));
}

TEST_F(Seccomp, ACommandThatCannotBeExecutedIsTold) {
  tree_.file("script", "#!/nowhere/sh\n");
  ::chmod(tree_.at("script").c_str(), 0755);
  for (const char* mode : kModes) {
    const Ran ran = gpuinit(under({mode, kDocker}, {tree_.at("script")}));
    EXPECT_EQ(ran.exit_code, 126) << mode;
    EXPECT_THAT(ran.err, HasSubstr("the interpreter /nowhere/sh of the script"));
  }
  // The filter hides the file from gpuinit as well.
  const Ran blind = gpuinit(under({R"(seccomp.deny=["openat"])"}, {tree_.at("script")}));
  EXPECT_EQ(blind.exit_code, 127);
  EXPECT_THAT(blind.err, HasSubstr("script: No such file or directory"));
}

TEST_F(Seccomp, PrintPolicyShowsTheFilterAndIsStillAPolicy) {
  const Ran text =
      gpuinit({"--set", kDocker, "--set", R"(seccomp.deny=["ptrace"])", "--print-policy"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("what is not named is EPERM, newer calls than these are ENOSYS"));
  EXPECT_THAT(text.out, HasSubstr("# EPERM (1): ptrace\n"));
  tree_.file("printed.toml", text.out);
  EXPECT_EQ(gpuinit({"--policy", tree_.at("printed.toml"), "--print-policy"}).exit_code, 0);

  const Ran json = gpuinit({"--set", kDocker, "--format", "json", "--print-policy"});
  const auto parsed = base::parse_json(json.out);
  ASSERT_TRUE(parsed) << json.out;
  ASSERT_NE(parsed->find("seccomp"), nullptr);
  EXPECT_EQ(*parsed->find("seccomp")->find("newer")->as_string(), "ENOSYS");

  EXPECT_THAT(gpuinit({"--print-policy"}).out, Not(HasSubstr("system calls here and now")));
}

TEST_F(Seccomp, VerboseSaysWhatItCostsAndThatSudoWillNotWork) {
  RunOptions options = clean();
  options.in_child = [] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(252);
  };
  const Ran ran = gpuinit(under({kDocker}, {"--verbose", "/bin/true"}), options);
  EXPECT_THAT(ran.err, HasSubstr(" instructions, made in "));
  EXPECT_THAT(ran.err, HasSubstr("no_new_privs: set-uid programs such as sudo will not work"));
}

}  // namespace
}  // namespace gpuinit::test
