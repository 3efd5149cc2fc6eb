// docker/kubernetes/pod.yaml, run by `podman play kube`.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "container/podman.h"
#include "support/tree.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

// Replaces `from` everywhere; it must be there `times` times.
void replace(std::string& text, const std::string& from, const std::string& to, int times) {
  int found = 0;
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
    ++found;
  }
  ASSERT_EQ(found, times) << from;
}

class Kubernetes : public InContainers<> {
 protected:
  void SetUp() override {
    InContainers<>::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    std::ifstream file(std::string(GPUINIT_SOURCE) + "/docker/kubernetes/pod.yaml");
    pod_ = {std::istreambuf_iterator<char>(file), {}};
    replace(pod_, "registry.example.com/training:latest",
            std::string(kTraining) + "\n      imagePullPolicy: Never", 2);
    replace(pod_, R"("train.py")", R"x("-c", "print(6*7)")x", 2);
    // podman keeps an init container that has ended only if told so.
    replace(pod_, "\n  name: training\n",
            "\n  name: " + name_ +
                "\n  annotations: {io.podman.annotations.init.container.type: always}\n",
            1);
    // There is no network plugin here, and the test's hostname is not needed.
    replace(pod_, "\nspec:\n", "\nspec:\n  hostNetwork: true\n", 1);
    replace(pod_, "name: shm", "name: " + name_ + "-shm", 3);
  }
  void TearDown() override {
    podman({"pod", "rm", "--force", "--time", "0", "--ignore", name_});
    podman({"volume", "rm", "--force", name_ + "-shm"});
  }

  Ran play() {
    tree_.file("pod.yaml", pod_);
    return podman({"play", "kube", tree_.at("pod.yaml").string()});
  }
  // "exited 0", once it has ended.
  std::string state(const std::string& container) const {
    return podman({"inspect", name_ + "-" + container, "--format",
                   "{{.State.Status}} {{.State.ExitCode}}"})
        .out;
  }
  std::string logs(const std::string& container) const {
    const Ran ran = podman({"logs", name_ + "-" + container});
    return ran.out + ran.err;
  }

  std::string pod_;
  std::string name_ = unique_name();
  Tree tree_;
};

TEST_F(Kubernetes, AGoodNodeRunsTheMainContainer) {
  const Ran ran = play();
  ASSERT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_EQ(podman({"wait", name_ + "-main"}).out, "0\n");
  EXPECT_EQ(state("check"), "exited 0\n");
  EXPECT_THAT(logs("check"), testing::StartsWith("gpuinit: ok: python 3."));
  EXPECT_THAT(logs("check"), testing::Not(HasSubstr("42"))) << "the init container only checks";
  EXPECT_THAT(logs("main"), HasSubstr("42\n"));
  EXPECT_THAT(logs("main"), HasSubstr("gpuinit: ok: python 3."));
}

TEST_F(Kubernetes, AFailedCheckKeepsTheMainContainerFromStarting) {
  replace(pod_, "    - name: check\n",
          "    - name: check\n"
          "      env: [{name: GPUINIT_SET, value: \"expect.torch=>=99\"}]\n",
          1);
  EXPECT_NE(play().exit_code, 0);
  EXPECT_EQ(state("check"), "exited 65\n");
  EXPECT_THAT(logs("check"), HasSubstr("FAIL expect.torch"));
  EXPECT_EQ(state("main"), "created 0\n");
}

// The init container judges the /dev/shm that the main one gets, and not an engine's 64 MiB.
TEST_F(Kubernetes, TheInitContainerSeesTheSharedMemory) {
  replace(pod_, "\"--check\"", "\"--facts\"", 1);
  EXPECT_EQ(play().exit_code, 0);
  EXPECT_EQ(podman({"wait", name_ + "-main"}).out, "0\n");
  const std::string facts = logs("check");
  const auto at = facts.find("\"shared_memory\"");
  ASSERT_NE(at, std::string::npos) << facts;
  EXPECT_GT(std::atoll(facts.c_str() + facts.find_first_of("0123456789", at)), 64 << 20);
}

// terminationGracePeriodSeconds and launch.grace, where both are needed.
TEST_F(Kubernetes, TheMainContainerMayUseItsGrace) {
  replace(pod_, R"x("print(6*7)"])x",
          R"x("import signal, time; f = lambda *_: (time.sleep(9), print('saved'), exit(0)); )x"
          R"x(signal.signal(15, f); print('up', flush=True); time.sleep(100)"])x",
          2);
  const Ran ran = play();
  ASSERT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  for (int i = 0; i < 200 && logs("main").find("up\n") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  // This podman does not know terminationGracePeriodSeconds.
  podman({"stop", "--time", "30", name_ + "-main"});
  EXPECT_EQ(state("main"), "exited 0\n");
  EXPECT_THAT(logs("main"), HasSubstr("saved\n"));
}

}  // namespace
}  // namespace gpuinit::test
