// What an administrator takes away from a container, one by one and all at once.
#include <gmock/gmock.h>

#include <ostream>

#include "container/podman.h"
#include "support/tree.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

struct Restriction {
  std::string name;
  Words options;
  std::string proof;       // a script that exits with 0 where the restriction is in force
  std::string first = "";  // what the container runs before it becomes gpuinit
};

void PrintTo(const Restriction& restriction, std::ostream* out) { *out << restriction.name; }

constexpr char kReadOnly[] = "! touch /file 2>/dev/null";
constexpr char kNoCapabilities[] = "grep -q '^CapEff:.0000000000000000$' /proc/self/status";
constexpr char kUser[] = "test $(id -u):$(id -g) = 65534:65534";
constexpr char kNoNewPrivileges[] = "grep -q '^NoNewPrivs:.1$' /proc/self/status";
constexpr char kSeccomp[] = "grep -q '^Seccomp:.2$' /proc/self/status";
constexpr char kNoexec[] = "cp /bin/true /tmp/t && ! /tmp/t 2>/dev/null";

std::vector<Restriction> restrictions() {
  const std::string all = std::string(kReadOnly) + " && " + kNoCapabilities + " && " + kUser +
                          " && " + kNoNewPrivileges + " && " + kSeccomp + " && " + kNoexec;
  return {
      {"ReadOnly", {"--read-only"}, kReadOnly},
      {"NoCapabilities", {"--cap-drop", "all"}, kNoCapabilities},
      {"AnotherUser", {"--user", "65534:65534"}, kUser},
      {"NoNewPrivileges", {"--security-opt", "no-new-privileges"}, kNoNewPrivileges},
      {"TheEnginesSeccompProfile", {}, kSeccomp},
      {"TmpNoexec", {"--tmpfs", "/tmp:noexec"}, kNoexec},
      {"All",
       {"--read-only", "--cap-drop", "all", "--user", "65534:65534", "--security-opt",
        "no-new-privileges", "--tmpfs", "/tmp:noexec"},
       all},
      {"NoProc", {"--cap-add", "sys_admin"}, "! test -e /proc/self", "umount -l /proc && "},
  };
}

class Restricted : public InContainers<testing::TestWithParam<Restriction>> {
 protected:
  Ran run(const Words& words, Words options = {}) const {
    const Restriction& restriction = GetParam();
    options.insert(options.begin(), restriction.options.begin(), restriction.options.end());
    if (restriction.first.empty()) return run_container(words, options);
    options.insert(options.end(), {"--entrypoint", "sh"});
    Words all{"-c", restriction.first + "exec gpuinit \"$@\"", "sh"};
    all.insert(all.end(), words.begin(), words.end());
    return run_container(all, options);
  }
};

TEST_P(Restricted, IsWhatItSays) {
  const Ran ran = run(shell(GetParam().proof));
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
}

TEST_P(Restricted, ChecksAndRunsTheCommand) {
  const Ran ran = run(python("import torch, sys; print(torch.ones(7).sum().item()); sys.exit(23)"));
  EXPECT_EQ(ran.exit_code, 23) << ran.err;
  EXPECT_EQ(ran.out, "7.0\n");
  EXPECT_THAT(ran.err, testing::ContainsRegex("gpuinit: ok: python 3[^,]*, torch "));
  EXPECT_THAT(ran.err, HasSubstr("the command exited with 23"));
}

TEST_P(Restricted, TheCudaProbeStarts) {
  Tree tree;
  tree.file("driver", "driver-version 12080\ndevices 2 9.0 85899345920 NVIDIA H100 80GB HBM3\n");
  const Ran ran = run({"--check", "--format", "json", "--set", "gpu.required=yes", "--set",
                       "checks.torch.cuda-build=warn"},
                      {"--volume", std::string(FAKE_LIBCUDA_DIRECTORY) + ":/fake:ro", "--volume",
                       tree.at("driver").string() + ":/fake.conf:ro", "--env",
                       "LD_LIBRARY_PATH=/fake", "--env", "CUDA_FAKE_CONFIG=/fake.conf"});
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("outcome": "answered")"));
  EXPECT_THAT(ran.out, HasSubstr("NVIDIA H100 80GB HBM3"));
  EXPECT_THAT(ran.out, HasSubstr(R"("result_correct": true)"));
}

TEST_P(Restricted, OrphansAreReaped) {
  const Ran ran = run(python(kOrphan));
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_EQ(ran.out, "reaped\n");
}

INSTANTIATE_TEST_SUITE_P(By, Restricted, testing::ValuesIn(restrictions()),
                         [](const auto& test) { return test.param.name; });

class Unrestricted : public InContainers<> {};

// What OrphansAreReaped would see if gpuinit did not do it.
TEST_F(Unrestricted, APythonThatIsPidOneDoesNotReap) {
  const Ran ran = run_container(python(kOrphan), {"-e", "GPUINIT_SET=launch.mode=exec"});
  EXPECT_EQ(ran.exit_code, 1) << ran.out << ran.err;
  EXPECT_EQ(ran.out, "a zombie\n");
}

class FewProcesses : public InContainers<> {};

// The kernel needs no more: read-ahead's processes left too few for it.
TEST_F(FewProcesses, AreEnoughForTheCommand) {
  for (const int limit : {1, 2, 3})
    for (const char* mode : {"exec", "supervise"}) {
      const Ran ran = run_container(python("raise SystemExit(7)"),
                                    {"--pids-limit", std::to_string(limit), "--env",
                                     std::string("GPUINIT_SET=launch.mode=") + mode});
      const int needed = mode == std::string("exec") ? 1 : 2;
      EXPECT_EQ(ran.exit_code, limit >= needed ? 7 : 75) << limit << mode << ran.err;
    }
}

}  // namespace
}  // namespace gpuinit::test
