// NVIDIA's own user-mode drivers, from the tests' cache (tests/inputs/fetch.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/read_node.h"
#include "support/inputs_cache.h"

namespace gpuinit::node {
namespace {

class RealDriver : public testing::TestWithParam<const char*> {};

TEST_P(RealDriver, IsFoundAndIsNoStub) {
  const std::string branch = GetParam();
  auto fs = base::RootFs::open(test::inputs().native() + "/driver/" + branch);
  ASSERT_TRUE(fs.ok()) << fs.error().message << ": run tests/inputs/fetch.py driver/" << branch;
  const auto library = read_libcuda(*fs, {}, Fact<std::string>::unknown("no kernel here"));
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->found_by, "default directory");
  ASSERT_TRUE(library->version.known()) << library->version.reason();
  EXPECT_TRUE(library->version->starts_with(branch + ".")) << *library->version;
  EXPECT_EQ(library->real_path.substr(library->real_path.rfind('/') + 1),
            "libcuda.so." + *library->version);
  EXPECT_EQ(library->kind, "driver");
  // The note came later than these branches.
  EXPECT_TRUE(library->compat_note.is_absent()) << library->compat_note.reason();
}

INSTANTIATE_TEST_SUITE_P(EveryBranch, RealDriver,
                         testing::Values("450", "470", "525", "535", "550"),
                         [](const auto& branch) { return std::string(branch.param); });

}  // namespace
}  // namespace gpuinit::node
