// Device files need a real character device: the null and full devices stand in
// for GPUs where mknod is allowed (root, as in CI), links to them elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeviceNodes : public testing::Test {
 protected:
  void device(const std::string& path) {
    tree_.directory(std::filesystem::path(path).parent_path().native());
    if (::mknod(tree_.at(path).c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) {
      // Some file systems (nodev) let it be made but not opened.
      std::FILE* file = std::fopen(tree_.at(path).c_str(), "r+");
      if (file != nullptr) {
        std::fclose(file);
        return;
      }
      std::filesystem::remove(tree_.at(path));
    }
    std::filesystem::create_symlink("/dev/null", tree_.at(path));
  }

  Fact<std::vector<DeviceNode>> nodes() const {
    auto fs = base::RootFs::open(tree_.root());
    EXPECT_TRUE(fs.ok());
    return read_device_nodes(*fs);
  }

  std::vector<std::string> paths() const {
    std::vector<std::string> result;
    const auto found = nodes();
    if (found)
      for (const auto& node : *found) result.push_back(node.path);
    return result;
  }

  test::Tree tree_;
};

TEST_F(DeviceNodes, AreSortedByNumberGpusFirst) {
  for (const char* name :
       {"nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia-uvm-tools", "nvidia-uvm",
        "nvidia-modeset", "dxg", "nvidia-caps/nvidia-cap10", "nvidia-caps/nvidia-cap2"})
    device(std::string("/dev/") + name);
  EXPECT_THAT(
      paths(),
      ElementsAre("/dev/nvidia0", "/dev/nvidia2", "/dev/nvidia10", "/dev/nvidiactl",
                  "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset", "/dev/dxg",
                  "/dev/nvidia-caps/nvidia-cap2", "/dev/nvidia-caps/nvidia-cap10"));
}

TEST_F(DeviceNodes, ThatOpenHaveNoErrno) {
  device("/dev/nvidia0");
  ASSERT_TRUE(nodes().known());
  EXPECT_THAT(*nodes(), ElementsAre(DeviceNode{"/dev/nvidia0", 0}));
}

TEST_F(DeviceNodes, OtherDevicesAreNotOurs) {
  for (const char* name : {"null", "nvidia", "nvidia0x", "nvidia-nvswitch0", "nvidiactl2", "nvme0"})
    device(std::string("/dev/") + name);
  EXPECT_THAT(paths(), IsEmpty());
}

TEST_F(DeviceNodes, WhatIsNoCharacterDeviceIsNeitherOpenedNorListed) {
  tree_.file("/dev/nvidia0").directory("/dev/nvidia1").link("/dev/nvidia3", "/nowhere");
  ASSERT_EQ(::mkfifo(tree_.at("/dev/nvidia2").c_str(), 0600), 0);
  EXPECT_THAT(paths(), IsEmpty());
}

TEST_F(DeviceNodes, NoneIsKnownToBeNone) {
  tree_.directory("/dev");
  ASSERT_TRUE(nodes().known());
  EXPECT_THAT(*nodes(), IsEmpty());
}

TEST_F(DeviceNodes, WithoutDevTheyAreUnknown) { EXPECT_TRUE(nodes().is_unknown()); }

// A device number that no driver serves says ENXIO, like a node whose module is gone.
TEST_F(DeviceNodes, TellWhyTheyDoNotOpen) {
  tree_.directory("/dev");
  const auto path = tree_.at("/dev/nvidia0");
  if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 255)) != 0)
    std::filesystem::create_symlink("/dev/tty", path);  // without a terminal: ENXIO too
  const auto found = nodes();
  ASSERT_TRUE(found.known());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_THAT(found->front().open_errno, testing::AnyOf(ENXIO, EACCES, EPERM));
}

TEST_F(DeviceNodes, TheirNumberIsBounded) {
  tree_.directory("/dev");
  for (int i = 0; i < 1100; ++i)
    std::filesystem::create_symlink("/dev/null", tree_.at("/dev/nvidia" + std::to_string(i)));
  EXPECT_EQ(nodes()->size(), 1024U);
}

}  // namespace
}  // namespace gpuinit::node
