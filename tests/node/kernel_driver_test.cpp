#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

using testing::HasSubstr;

constexpr const char* kClosed =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 09:35:42 UTC 2024\n"
    "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n";
constexpr const char* kOpen =
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build  "
    "(dvs-builder@U22-I3-B03)  Sat May 24 07:02:48 UTC 2025\nGCC version:  gcc version 12.3.0\n";
constexpr const char* kJetson =
    "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  Release Build  "
    "(buildbrain@mobile-u64-6289-d7000)  Sun Mar 19 08:09:33 PDT 2023\n"
    "GCC version:  gcc version 9.3.0 (Buildroot 2020.08) \n";

// A machine with /proc and /sys mounted and no NVIDIA driver.
class KernelDriver : public testing::Test {
 protected:
  KernelDriver() { tree_.directory("/proc/driver").directory("/sys/module/ext4"); }

  Fact<std::string> version() const {
    auto fs = base::RootFs::open(tree_.root());
    EXPECT_TRUE(fs.ok());
    return read_kernel_version(*fs);
  }

  test::Tree tree_;
};

TEST(NvrmVersion, ReadsTheClosedAndTheOpenModule) {
  EXPECT_EQ(nvrm_version(kClosed), "550.90.07");
  EXPECT_EQ(nvrm_version(kOpen), "575.57.08");
}

TEST(NvrmVersion, ReadsAReleaseOfTwoNumbers) {
  EXPECT_EQ(nvrm_version("NVRM version: NVIDIA UNIX x86_64 Kernel Module  396.37  Tue\n"),
            "396.37");
}

TEST(NvrmVersion, HasNoneWithoutAReleaseOrALine) {
  for (const char* text : {"", "\n", "NVRM version: NVIDIA UNIX x86_64 Kernel Module", "550.90.07",
                           "NVRM version: NVIDIA UNIX x86_64 Kernel Module  abc Fri May 31",
                           "GCC version: Kernel Module 550.90.07"})
    EXPECT_EQ(nvrm_version(text), std::nullopt) << text;
}

TEST_F(KernelDriver, IsWhatProcSays) {
  tree_.file("/proc/driver/nvidia/version", kOpen).file("/sys/module/nvidia/version", "1.2\n");
  EXPECT_EQ(version(), Fact<std::string>("575.57.08"));
}

TEST_F(KernelDriver, IsWhatTheModuleSaysWhereProcDoesNot) {
  tree_.file("/sys/module/nvidia/version", "535.104.05\n");
  EXPECT_EQ(version(), Fact<std::string>("535.104.05"));
  tree_.file("/proc/driver/nvidia/version", "rubbish");
  EXPECT_EQ(version(), Fact<std::string>("535.104.05"));
}

TEST_F(KernelDriver, IsAbsentWhereNeitherKnowsTheModule) { EXPECT_TRUE(version().is_absent()); }

TEST(KernelDriverWithoutMounts, IsUnknown) {
  test::Tree tree;
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  EXPECT_THAT(read_kernel_version(*fs).reason(), HasSubstr("/proc is not mounted"));
  tree.directory("/proc/driver").directory("/sys/module");
  const auto version = read_kernel_version(*fs);
  EXPECT_TRUE(version.is_unknown());
  EXPECT_THAT(version.reason(), HasSubstr("/sys is not mounted"));
}

TEST_F(KernelDriver, IsUnknownWhereTheModuleTellsNoVersion) {
  tree_.directory("/sys/module/nvidia");
  EXPECT_TRUE(version().is_unknown());
}

TEST_F(KernelDriver, IsUnknownWhereTheTextHasNoRelease) {
  tree_.file("/proc/driver/nvidia/version", "NVRM version: something new\n");
  EXPECT_TRUE(version().is_unknown());
  EXPECT_THAT(version().reason(), HasSubstr("has no NVRM release"));
}

TEST_F(KernelDriver, IsUnknownOnWsl) {
  tree_.file("/dev/dxg");
  EXPECT_TRUE(version().is_unknown());
  EXPECT_THAT(version().reason(), HasSubstr("WSL"));
}

TEST_F(KernelDriver, IsUnknownOnAJetsonWithoutNvhost) {
  tree_.directory("/dev/nvgpu/igpu0");
  EXPECT_THAT(version().reason(), HasSubstr("Tegra (/dev/nvgpu)"));
}

TEST_F(KernelDriver, IsUnknownOnTegra) {
  tree_.file("/dev/nvmap");
  EXPECT_TRUE(version().is_unknown());
  EXPECT_THAT(version().reason(), HasSubstr("Tegra"));
  tree_.file("/proc/driver/nvidia/version", kJetson);
  EXPECT_TRUE(version().is_unknown());
  EXPECT_THAT(version().reason(), HasSubstr("\"35.3.1\""));
}

// gVisor passes the devices on and has a /proc of its own.
TEST_F(KernelDriver, IsUnknownWhereOnlyTheDevicesAreThere) {
  tree_.file("/dev/nvidiactl");
  EXPECT_TRUE(version().is_unknown());
  EXPECT_THAT(version().reason(), HasSubstr("/dev/nvidiactl is there"));
}

TEST_F(KernelDriver, ADirectoryInPlaceOfTheFileIsUnknown) {
  tree_.directory("/proc/driver/nvidia/version");
  EXPECT_TRUE(version().is_unknown());
}

TEST_F(KernelDriver, AHugeFileIsNotRead) {
  tree_.file("/proc/driver/nvidia/version", std::string(1 << 20, 'x'));
  EXPECT_TRUE(version().is_unknown());
}

}  // namespace
}  // namespace gpuinit::node
