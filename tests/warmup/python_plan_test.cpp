#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tree.h"
#include "warmup/page_warmup.h"

namespace gpuinit::warmup {
namespace {

using testing::UnorderedElementsAre;

class PythonPlan : public testing::Test {
 protected:
  std::vector<std::string> planned(const std::vector<std::string>& entries) {
    std::vector<std::string> sys_path;
    for (const std::string& entry : entries) sys_path.push_back(tree_.at(entry));
    std::vector<std::string> paths;
    for (const PlannedFile& file : python_plan(sys_path).files) {
      const std::string path = file.path.substr(tree_.root().size());
      (file.kind == PlannedFile::Kind::kWhole ? paths : looked_up_).push_back(path);
    }
    return paths;
  }

  test::Tree tree_;
  std::vector<std::string> looked_up_;
};

TEST_F(PythonPlan, HasTheCompiledModulesOfTorchAndItsNeighbours) {
  tree_.file("s/site-packages/torch/__init__.py")
      .file("s/site-packages/torch/__pycache__/__init__.cpython-312.pyc")
      .file("s/site-packages/torch/__pycache__/__init__.cpython-312.opt-1.pyc")
      .file("s/site-packages/torch/nn/__pycache__/__init__.cpython-312.pyc")
      .file("s/site-packages/torch/nn/modules/__pycache__/linear.cpython-312.pyc")
      .file("s/site-packages/torch/_inductor/__pycache__/__init__.cpython-312.pyc")
      .file("s/site-packages/numpy/__pycache__/__init__.cpython-312.pyc")
      .file("s/site-packages/numpy/tests/__pycache__/test_all.cpython-312.pyc")
      .file("s/site-packages/pandas/__pycache__/__init__.cpython-312.pyc")
      .file("s/site-packages/__pycache__/typing_extensions.cpython-312.pyc");
  EXPECT_THAT(
      planned({"s/site-packages"}),
      UnorderedElementsAre("/s/site-packages/__pycache__/typing_extensions.cpython-312.pyc",
                           "/s/site-packages/torch/__pycache__/__init__.cpython-312.pyc",
                           "/s/site-packages/torch/nn/__pycache__/__init__.cpython-312.pyc",
                           "/s/site-packages/torch/nn/modules/__pycache__/linear.cpython-312.pyc",
                           "/s/site-packages/numpy/__pycache__/__init__.cpython-312.pyc"));
}

TEST_F(PythonPlan, LooksUpTheSourceOfACompiledModule) {
  tree_.file("site-packages/torch/__pycache__/x.cpython-312.pyc");
  EXPECT_EQ(planned({"site-packages"}).size(), 1U);
  EXPECT_THAT(looked_up_, UnorderedElementsAre("/site-packages/torch/x.py"));
}

TEST_F(PythonPlan, HasTheStandardLibraryWithoutItsTests) {
  tree_.file("lib/python3.12/__pycache__/os.cpython-312.pyc")
      .file("lib/python3.12/json/__pycache__/decoder.cpython-312.pyc")
      .file("lib/python3.12/test/__pycache__/test_os.cpython-312.pyc")
      .file("lib/python3.12/site-packages/torch/__pycache__/x.cpython-312.pyc")
      .directory("other/torch");
  EXPECT_THAT(planned({"lib/python3.12", "other"}),
              UnorderedElementsAre("/lib/python3.12/__pycache__/os.cpython-312.pyc",
                                   "/lib/python3.12/json/__pycache__/decoder.cpython-312.pyc"));
}

TEST_F(PythonPlan, HasTheSourcesWhereNothingIsCompiled) {
  tree_.file("site-packages/torch/__init__.py").file("site-packages/torch/version.pyi");
  EXPECT_THAT(planned({"site-packages"}), UnorderedElementsAre("/site-packages/torch/__init__.py"));
}

TEST_F(PythonPlan, IsEmptyWithoutTorch) {
  tree_.file("lib/python3.12/__pycache__/os.cpython-312.pyc").directory("site-packages/numpy");
  EXPECT_THAT(planned({"lib/python3.12", "site-packages"}), testing::IsEmpty());
}

TEST_F(PythonPlan, LeavesOtherDirectoriesAlone) {
  tree_.directory("site-packages/torch");
  tree_.file("work/train.py").file("work/data/x.py").file("lib/python312.zip");
  EXPECT_THAT(planned({"work", "nowhere", "lib/python312.zip", "site-packages"}),
              testing::IsEmpty());
}

TEST_F(PythonPlan, ATreeThatLeadsIntoItselfEnds) {
  tree_.file("site-packages/torch/__init__.py").link("site-packages/torch/loop", "..");
  EXPECT_THAT(planned({"site-packages"}).size(), 1U);
}

}  // namespace
}  // namespace gpuinit::warmup
