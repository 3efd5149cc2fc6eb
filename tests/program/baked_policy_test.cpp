// What the image's own /etc/gpuinit/policy.toml is worth: the filter that it asks for outlives
// what is wrong elsewhere, and one that is locked holds.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

constexpr char kDenies[] =
    "version = 1\n[gpu]\nrequired = \"no\"\n[seccomp]\ndeny = [\"ptrace\"]\n";
constexpr char kLocked[] =
    "version = 1\nlocked = true\n[gpu]\nrequired = \"no\"\n[seccomp]\ndeny = [\"ptrace\"]\n";
constexpr char kFails[] = "version = 1\nlocked = true\n[expect]\npython = \"2.7\"\n";

// Runs gpuinit where /etc has nothing but this policy.
Ran with_baked(const std::string& policy, const Words& words,
               const std::map<std::string, std::string>& environment) {
  RunOptions options = clean(environment);
  options.in_child = [&policy] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("etc", "/etc", "tmpfs", 0, nullptr) != 0 || ::mkdir("/etc/gpuinit", 0755) != 0)
      ::_exit(99);
    const int file = ::open("/etc/gpuinit/policy.toml", O_WRONLY | O_CREAT, 0644);
    if (::write(file, policy.data(), policy.size()) != static_cast<ssize_t>(policy.size()))
      ::_exit(98);
    ::close(file);
  };
  return gpuinit(words, options);
}

const Words kPython{"/usr/bin/python3", "-c", "print('ran')"};

// "2" under a filter.
const Words kShowFilter{"/bin/grep", "^Seccomp:", "/proc/self/status"};

Words set(const std::string& setting, Words words) {
  words.insert(words.begin(), {"--set", setting});
  return words;
}

class BakedPolicy : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_F(BakedPolicy, ItsFilterHoldsWhateverIsWrongElsewhere) {
  const std::map<std::string, std::string> wrong[] = {
      {{"GPUINIT_SET", "x"}},
      {{"GPUINIT_SET", "seccomp.profile=/no/profile"}},
      {{"GPUINIT_SET", "seccomp.allow=ptrace"}},
      {{"GPUINIT_POLICY", "/no/file"}},
  };
  for (auto environment : wrong) {
    EXPECT_EQ(with_baked(kDenies, kShowFilter, environment).exit_code, 78);
    environment["GPUINIT"] = "off";
    const Ran ran = with_baked(kDenies, kShowFilter, environment);
    EXPECT_EQ(ran.out, "Seccomp:\t2\n") << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("GPUINIT=off, so this does not stop the launch: "));
  }
  const Ran ran = with_baked(kDenies, set("gpu.cuont=1", kShowFilter), {{"GPUINIT", "off"}});
  EXPECT_EQ(ran.out, "Seccomp:\t2\n") << ran.err;
}

TEST_F(BakedPolicy, AWrongOneIsLeftOutAndSaid) {
  const Ran ran = with_baked("version = 1\n[gpu]\ncuont = 1\n", kShowFilter,
                             {{"GPUINIT", "off"}, {"GPUINIT_SET", "seccomp.deny=ptrace"}});
  EXPECT_EQ(ran.out, "Seccomp:\t2\n") << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("/etc/gpuinit/policy.toml:3:1: unknown key `gpu.cuont`"));
}

TEST_F(BakedPolicy, LockedItCannotBeSwitchedOff) {
  EXPECT_EQ(with_baked(kFails, kPython, {{"GPUINIT", "off"}}).exit_code, 65);
  EXPECT_EQ(
      with_baked(kFails, {"--check", "--", "/usr/bin/python3"}, {{"GPUINIT", "off"}}).exit_code,
      65);
  const Ran ran = with_baked(kFails, set("checks.expect.python=off", kPython),
                             {{"GPUINIT_SET", "expect.python="}});
  EXPECT_EQ(ran.exit_code, 65);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("gpuinit: the policy is locked by /etc/gpuinit/policy.toml, which "
                                 "this cannot weaken: expect.python = \"\" (GPUINIT_SET), "
                                 "checks.expect.python = \"off\" (--set)\n"));
}

TEST_F(BakedPolicy, LockedItStopsNoJobForAWishThatIsRefused) {
  const Ran ran = with_baked(kLocked, set("seccomp.deny=[]", kShowFilter), {{"GPUINIT", "off"}});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "Seccomp:\t2\n");
  const std::string said = "cannot weaken: GPUINIT=off, seccomp.deny = [] (--set)\n";
  EXPECT_THAT(ran.err, HasSubstr(said));
  EXPECT_EQ(ran.err.find(said), ran.err.rfind(said)) << "once";
}

TEST_F(BakedPolicy, LockedItStillRefusesWhatIsNoSetting) {
  const Ran ran = with_baked(kLocked, kShowFilter, {{"GPUINIT", "off"}, {"GPUINIT_SET", "x"}});
  EXPECT_EQ(ran.exit_code, 78);
  EXPECT_EQ(ran.out, "");
}

TEST_F(BakedPolicy, PrintPolicyShowsTheLock) {
  const Ran ran = with_baked(kLocked, {"--print-policy", "--set", "gpu.count=0"}, {});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("# locked by /etc/gpuinit/policy.toml"));
  EXPECT_THAT(ran.out, HasSubstr("# refused: gpu.count = \"0\" (--set)"));
  EXPECT_THAT(ran.out,
              testing::ContainsRegex("deny = \\[\"ptrace\"\\] +# /etc/gpuinit/policy.toml:6"));
  const Ran json = with_baked(kLocked, {"--print-policy", "--format", "json"}, {});
  EXPECT_THAT(json.out, HasSubstr("\"locked_by\": \"/etc/gpuinit/policy.toml\""));
  EXPECT_THAT(with_baked(kDenies, {"--print-policy"}, {}).out, Not(HasSubstr("locked")));
}

}  // namespace
}  // namespace gpuinit::test
