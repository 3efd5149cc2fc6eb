// The same profile in front of the same program: installed by the engine's runc, and by
// gpuinit in a container that has none.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstddef>
#include <set>

#include "base/text.h"
#include "container/podman.h"

namespace gpuinit::test {
namespace {

// The gpuinit that was just built in place of the image's.
Words this_gpuinit() { return {"--volume", std::string(GPUINIT_BINARY) + ":/usr/bin/gpuinit:ro"}; }

constexpr char kProfile[] = "/usr/share/containers/seccomp.json";  // podman's default

class EnginesSeccomp : public InContainers<> {};

std::set<std::string> outcomes(const Ran& ran) {
  std::set<std::string> lines;
  for (const auto line : base::split_lines(ran.out))
    if (!line.empty()) lines.emplace(line);
  return lines;
}

TEST_F(EnginesSeccomp, DecidesEveryCallAsGpuinitDoesWithTheSameProfile) {
  if (::access(kProfile, R_OK) != 0) GTEST_SKIP() << kProfile << " is not there";
  // With no_new_privs on both sides: gpuinit must set it, and the kernel says EPERM to
  // landlock_restrict_self without.
  Words options{"--security-opt", "no-new-privileges", "--volume",
                std::string(CALL_PROBE_BINARY) + ":/call_probe:ro"};
  Words engines = options;
  engines.insert(engines.end(), {"--entrypoint", "/call_probe"});
  const Ran engine = run_container({}, engines);

  Words ours = this_gpuinit();
  ours.insert(ours.end(), options.begin(), options.end());
  ours.insert(ours.end(), {"--security-opt", "seccomp=unconfined", "--volume",
                           std::string(kProfile) + ":/profile.json:ro"});
  const Ran gpuinit =
      run_container({"--set", "seccomp.profile=/profile.json", "/call_probe"}, ours);

  ASSERT_EQ(engine.exit_code, 0) << engine.err;
  ASSERT_EQ(gpuinit.exit_code, 0) << gpuinit.err;
  EXPECT_GT(outcomes(engine).size(), 480U);
  EXPECT_EQ(outcomes(gpuinit), outcomes(engine));
}

TEST_F(EnginesSeccomp, DockersDefaultIsWhatTheContainerMayDo) {
  Words options = this_gpuinit();
  options.insert(options.end(), {"--security-opt", "seccomp=unconfined"});
  const Ran ran =
      run_container({"--set", "seccomp.base=docker-default", "python", "-c",
                     "import torch, threading, subprocess, multiprocessing as m\n"
                     "assert torch.ones(64, 64).matmul(torch.ones(64, 64)).sum() == 64 ** 3\n"
                     "p = m.Process(target=int); p.start(); p.join(); assert p.exitcode == 0\n"
                     "assert subprocess.run(['unshare', '--mount', 'true']).returncode != 0\n"
                     "print([l for l in open('/proc/self/status') if l.startswith('Seccomp:')])"},
                    options);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "['Seccomp:\\t2\\n']\n");
}

}  // namespace
}  // namespace gpuinit::test
