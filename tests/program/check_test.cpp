// --check and --facts on whole images: verdict, exit code, JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Check : public testing::Test {
 protected:
  // Verdict of the image under `tree` on a node written as JSON.
  Ran check(const std::string& node = kH100Node, std::vector<std::string> more = {}) {
    node_.file("node.json", node);
    std::vector<std::string> arguments{"--check", "--root", tree_.root(), "--node",
                                       node_.at("node.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gpuinit(arguments);
  }
  base::Json check_json(const std::string& node = kH100Node, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--format", "json"});
    const Ran ran = check(node, more);
    EXPECT_EQ(ran.err, "");
    auto json = base::parse_json(ran.out);
    EXPECT_TRUE(json.ok()) << ran.out;
    if (!json) return {};
    const base::Json* code = json->find("exit_code");
    EXPECT_TRUE(code != nullptr && *std::get_if<std::uint64_t>(&code->value) ==
                                       static_cast<std::uint64_t>(ran.exit_code));
    return *json;
  }
  static std::vector<std::string> ids(const base::Json& report, std::string_view severity) {
    std::vector<std::string> found;
    for (const auto& finding : *report.find("findings")->as_array())
      if (*finding.find("severity")->as_string() == severity)
        found.push_back(*finding.find("id")->as_string());
    return found;
  }

  Tree tree_;
  Tree node_;
  PyTorchImage image_;
};

TEST_F(Check, AHealthyImageOnAFittingNodeIsOneLine) {
  image_.write_to(tree_);
  const Ran ran = check();
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("torch 2.8.0+cu128"));
  EXPECT_THAT(ran.err, HasSubstr("H100"));
}

TEST_F(Check, JsonHasTheContractsFields) {
  image_.write_to(tree_);
  const auto report = check_json();
  EXPECT_EQ(*report.find("verdict")->as_string(), "pass");
  EXPECT_THAT(ids(report, "fail"), IsEmpty());
  EXPECT_THAT(ids(report, "warn"), IsEmpty());
  const auto* image = report.find("facts")->find("image");
  const auto* interpreter = image->find("interpreter");
  EXPECT_EQ(*interpreter->find("path")->as_string(), "/usr/local/bin/python3");
  EXPECT_EQ(*interpreter->find("soabi")->as_string(), "cpython-312-x86_64-linux-gnu");
  EXPECT_EQ(interpreter->find("version")->as_string()->substr(0, 4), "3.12");
  const auto* torch = image->find("torch");
  EXPECT_EQ(*torch->find("path")->as_string(), "/usr/local/lib/python3.12/site-packages/torch");
  EXPECT_EQ(*torch->find("version")->as_string(), "2.8.0+cu128");
  EXPECT_EQ(*torch->find("cuda")->as_string(), "12.8");
  EXPECT_EQ(*torch->find("soabi")->as_string(), "cpython-312-x86_64-linux-gnu");
  EXPECT_EQ(torch->find("arch_list")->as_array()->size(), 7U);
  EXPECT_THAT(*image->find("cuda_runtime")->find("path")->as_string(),
              HasSubstr("nvidia/cuda_runtime/lib/libcudart.so.12"));
  EXPECT_EQ(*image->find("cuda_runtime")->find("version")->as_string(), "12.8.90");
  const auto* node = report.find("facts")->find("node");
  EXPECT_EQ(*node->find("driver")->find("kernel_version")->as_string(), "570.124.06");
  EXPECT_EQ(*node->find("devices")->as_array()->at(0).find("compute_capability")->as_string(),
            "9.0");
  EXPECT_NE(report.find("timings_ms")->find("total"), nullptr);
}

TEST_F(Check, TorchOfAnotherPython) {
  image_.torch_tag = "cpython-310";
  image_.write_to(tree_);
  const Ran ran = check();
  EXPECT_EQ(ran.exit_code, 65);
  EXPECT_THAT(ran.err, HasSubstr("python.abi"));
  EXPECT_THAT(ran.err, HasSubstr("cpython-310"));
  EXPECT_THAT(ran.err, HasSubstr("gpuinit --explain python.abi"));
  EXPECT_THAT(ids(check_json(), "fail"), ElementsAre("python.abi"));
}

TEST_F(Check, TorchOfTheFreeThreadedPython) {
  image_.python = "3.13";
  image_.torch_tag = "cpython-313t";
  image_.write_to(tree_);
  EXPECT_THAT(ids(check_json(), "fail"), ElementsAre("python.abi"));
}

TEST_F(Check, ADriverThatIsTooOld) {
  image_.write_to(tree_);
  const auto report = check_json(
      R"({"node":{"driver":{"kernel_version":"470.82.01","cuda_version":"11.4"},"devices":[{"compute_capability":"9.0"}]}})");
  EXPECT_THAT(ids(report, "fail"), ElementsAre("cuda.driver"));
  EXPECT_EQ(*std::get_if<std::uint64_t>(&report.find("exit_code")->value), 66U);
}

TEST_F(Check, MinorVersionCompatibilityIsSilent) {
  image_.write_to(tree_);
  const Ran ran = check(
      R"({"node":{"driver":{"kernel_version":"535.104.05","cuda_version":"12.2"},"devices":[{"name":"NVIDIA H100 80GB HBM3","compute_capability":"9.0"}]}})");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
}

TEST_F(Check, PtxOnlyUnderMinorVersionCompatibilityIsTheFailureThatEachRuleMisses) {
  image_.sass = {"80", "90"};
  image_.ptx = {"90"};
  image_.write_to(tree_);
  const auto report = check_json(
      R"({"node":{"driver":{"kernel_version":"535.104.05","cuda_version":"12.2"},"devices":[{"compute_capability":"10.0"}]}})");
  EXPECT_THAT(ids(report, "fail"), ElementsAre("device.arch"));
}

TEST_F(Check, ADeviceThatTorchHasNoCodeFor) {
  image_.sass = {"50", "80", "100a"};
  image_.write_to(tree_);
  EXPECT_THAT(ids(check_json(), "fail"), ElementsAre("device.arch"));
}

TEST_F(Check, TheLeastRetryableClassWins) {
  image_.torch_tag = "cpython-310";
  image_.write_to(tree_);
  const auto report = check_json(
      R"({"node":{"driver":{"kernel_version":"470.82.01","cuda_version":"11.4"},"devices":[{"compute_capability":"9.0"}]}})");
  EXPECT_THAT(ids(report, "fail"), testing::UnorderedElementsAre("python.abi", "cuda.driver"));
  EXPECT_EQ(*std::get_if<std::uint64_t>(&report.find("exit_code")->value), 65U);
}

TEST_F(Check, WithoutTorchTheTorchChecksAreSkippedAndSaySo) {
  image_.write_python(tree_);
  const auto report = check_json();
  EXPECT_EQ(*report.find("verdict")->as_string(), "pass");
  EXPECT_THAT(ids(report, "skipped"), testing::IsSupersetOf({"python.abi", "torch.cuda-build"}));
}

TEST_F(Check, ACpuTorchNeedsNoGpuUnlessThePolicySaysSo) {
  image_.cuda = "";
  image_.torch_version = "2.8.0+cpu";
  image_.write_to(tree_);
  EXPECT_EQ(check(R"({"node":{}})").exit_code, 0);
  const auto report = check_json(R"({"node":{}})", {"--set", "gpu.required=yes"});
  EXPECT_THAT(ids(report, "fail"), ElementsAre("torch.cuda-build"));
}

TEST_F(Check, WarnInsteadOfFailExitsGood) {
  image_.torch_tag = "cpython-310";
  image_.write_to(tree_);
  const auto report = check_json(kH100Node, {"--set", "checks.python.abi=warn"});
  EXPECT_EQ(*report.find("verdict")->as_string(), "warn");
  EXPECT_THAT(ids(report, "warn"), ElementsAre("python.abi"));
  EXPECT_EQ(check(kH100Node, {"--set", "checks.python.abi=off"}).exit_code, 0);
}

TEST_F(Check, PinnedVersionsAreHeld) {
  image_.write_to(tree_);
  EXPECT_THAT(
      ids(check_json(kH100Node, {"--set", "expect.python=>=3.13", "--set", "expect.torch=2.7.*",
                                 "--set", "expect.cuda=12.8", "--set", "expect.driver=<570"}),
          "fail"),
      testing::UnorderedElementsAre("expect.python", "expect.torch", "expect.driver"));
}

TEST_F(Check, AnEmptyNodeFileFailsNothing) {
  image_.write_to(tree_);
  EXPECT_EQ(check(R"({"node":{}})").exit_code, 0);
}

TEST_F(Check, ANodeFileWithATypingErrorIsRefusedWithItsPlace) {
  image_.write_to(tree_);
  const Ran ran = check(R"({"node":{"devices":[{"compute_capabilty":"9.0"}]}})");
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, HasSubstr("node.json"));
  EXPECT_THAT(ran.err, HasSubstr("compute_capability"));
}

TEST_F(Check, FactsCanBeSavedAndReplayed) {
  image_.write_to(tree_);
  const Ran facts = gpuinit({"--facts", "--root", tree_.root()});
  EXPECT_EQ(facts.exit_code, 0);
  node_.file("facts.json", facts.out);
  const Ran again = gpuinit({"--facts", "--root", tree_.root(), "--node", node_.at("facts.json")});
  auto first = base::parse_json(facts.out);
  auto second = base::parse_json(again.out);
  ASSERT_TRUE(first.ok() && second.ok()) << again.err;
  EXPECT_EQ(base::print_json(*first->find("node")), base::print_json(*second->find("node")));
}

TEST_F(Check, AMachineWithoutGpuIsOneFailureForACudaTorch) {
  image_.write_to(tree_);
  const Ran ran = gpuinit({"--check", "--format", "json", "--root", tree_.root()},
                          clean({{"LD_LIBRARY_PATH", ""}}));
  auto report = base::parse_json(ran.out);
  ASSERT_TRUE(report.ok()) << ran.out;
  EXPECT_THAT(ids(*report, "fail"), ElementsAre("cuda.libcuda")) << ran.out;
  EXPECT_EQ(ran.exit_code, 69);
}

TEST_F(Check, TheBuildPolicyNeedsNoGpu) {
  image_.write_to(tree_);
  const Ran ran =
      gpuinit({"--check", "--policy", GPUINIT_POLICIES "/build.toml", "--root", tree_.root()});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST_F(Check, GpuinitOffIsGood) {
  const Ran ran = gpuinit({"--check"}, clean({{"GPUINIT", "off"}}));
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.err, HasSubstr("nothing was checked"));
}

}  // namespace
}  // namespace gpuinit::test
