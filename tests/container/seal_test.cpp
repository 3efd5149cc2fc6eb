// A seal made in a container, as `RUN gpuinit --seal` makes it: it holds in every container of the
// image, and breaks where one is changed.
#include <gmock/gmock.h>

#include <filesystem>

#include "container/podman.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const Words kSeal{"--seal", "/etc/gpuinit/seal", "--", "python", "-c", "import torch"};
const Words kSealed{"--verbose", "python", "-c", "pass"};

class ASealedImage : public InContainers<> {
 protected:
  // Runs `words` in a container of the image and makes an image of that.
  void commit(const Words& words, const std::string& from, const std::string& to) {
    const std::string name = unique_name();
    const Ran ran = podman(run_words(name, from, {}, words));
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_EQ(podman({"commit", "--quiet", name, to}).exit_code, 0);
    remove_container(name);
  }
  void SetUp() override {
    InContainers::SetUp();
    if (!IsSkipped() && !HasFailure()) commit(kSeal, kTraining, image_);
  }
  void TearDown() override { podman({"rmi", "--force", image_}); }

  Ran run(const Words& command, const Words& options = {}) const {
    return run_container(command, options, image_);
  }

  const std::string image_ = "localhost/gpuinit-test/sealed:" + std::to_string(::getpid());
};

TEST_F(ASealedImage, HoldsInItsContainers) {
  const Ran ran = run(kSealed);
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.err, HasSubstr("the seal holds"));
  EXPECT_THAT(ran.err, HasSubstr("pages: cached "));
  // Other arguments, user, directory; what an engine mounts and sets.
  for (const Words& options : {Words{"--user", "65534"}, Words{"--workdir", "/tmp"},
                               Words{"--env", "NCCL_DEBUG=INFO", "--shm-size", "1g"},
                               Words{"--tmpfs", "/scratch"}, Words{"--read-only"}})
    EXPECT_THAT(run({"--verbose", "python", "-c", "print(1)"}, options).err,
                HasSubstr("the seal holds"))
        << options[0];
}

TEST_F(ASealedImage, HoldsWhereItWasSavedAndLoaded) {
  const std::string file = store() + "/sealed-" + std::to_string(::getpid()) + ".tar";
  ASSERT_EQ(podman({"save", "--format", "oci-archive", "--output", file, image_}).exit_code, 0);
  podman({"rmi", "--force", image_});
  EXPECT_EQ(podman({"load", "--input", file}).exit_code, 0);
  std::filesystem::remove(file);
  EXPECT_THAT(run(kSealed).err, HasSubstr("the seal holds"));
}

TEST_F(ASealedImage, BreaksWhereAContainerIsChanged) {
  constexpr char kCheck[] = "gpuinit --check --verbose -- python -c pass";
  const std::string site = "$(python -c 'import torch; print(torch.__path__[0])')";
  const Ran installed = run(shell("touch " + site + "/../new.pth; " + kCheck));
  EXPECT_THAT(installed.err, HasSubstr("the seal does not hold"));
  EXPECT_THAT(installed.err, HasSubstr("image.sealed"));
  const Ran touched = run(shell("touch " + site + "/version.py; " + kCheck));
  EXPECT_THAT(touched.err, HasSubstr("version.py has another time"));
  const Ran mounted = run(kSealed, {"--tmpfs", "/usr/lib/python3/dist-packages/torch"});
  EXPECT_THAT(mounted.err, HasSubstr("the seal does not hold"));
}

TEST_F(ASealedImage, IsPinnedByThePolicy) {
  const Ran ran = run({"--set", "checks.image.sealed=fail", "python", "-c", "print('ran')"},
                      {"--tmpfs", "/usr/lib/python3/dist-packages"});
  EXPECT_EQ(ran.exit_code, 65);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(run({"--set", "checks.image.sealed=fail", "python", "-c", "print('ran')"}).out,
            "ran\n");
}

}  // namespace
}  // namespace gpuinit::test
