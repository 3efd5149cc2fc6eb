#include "rules/driver_table.h"

#include <gtest/gtest.h>

namespace gpuinit::rules {
namespace {

Version v(std::string_view text) { return parse_version(text).value_or(Version{{0}, ""}); }

TEST(DriverTable, KnowsTheCudaOfEachBranch) {
  const std::pair<const char*, const char*> rows[] = {
      {"450.80.02", "11.0"}, {"470.256.02", "11.4"}, {"495.29.05", "11.5"}, {"520.61.05", "11.8"},
      {"525.60.13", "12.0"}, {"535.104.05", "12.2"}, {"550.90.07", "12.4"}, {"560.35.05", "12.6"},
      {"565.57.01", "12.7"}, {"570.124.06", "12.8"}, {"575.57.08", "12.9"}, {"580.126.09", "13.0"},
      {"590.48.01", "13.1"}, {"595.71.05", "13.2"},  {"610.43.02", "13.3"}, {"615.65", "13.4"},
      {"620.70.06", "13.5"}, {"440.33", "10.2"},     {"418.126", "10.1"},
  };
  for (const auto& [driver, cuda] : rows) {
    const auto native = native_cuda_of_driver(v(driver));
    ASSERT_TRUE(native) << driver;
    EXPECT_EQ(native->cuda.text(), cuda) << driver;
    EXPECT_TRUE(native->exact) << driver;
  }
}

TEST(DriverTable, ABranchThatIsNotInItHasALowerBound) {
  const std::pair<const char*, const char*> rows[] = {
      {"600.10", "13.2"},    {"616.00", "13.4"},  {"700.1", "13.5"},
      {"530.30.02", "12.1"}, {"540.4.0", "12.2"}, {"430.50", "10.1"},
  };
  for (const auto& [driver, cuda] : rows) {
    const auto native = native_cuda_of_driver(v(driver));
    ASSERT_TRUE(native) << driver;
    EXPECT_EQ(native->cuda.text(), cuda) << driver;
    EXPECT_EQ(native->exact, std::string_view(driver) == "530.30.02") << driver;
  }
  EXPECT_FALSE(native_cuda_of_driver(v("361.93")));
}

TEST(DriverTable, KnowsTheFloorOfEachFamily) {
  EXPECT_EQ(family_floor(11), v("450.80.02"));
  EXPECT_EQ(family_floor(12), v("525.60.13"));
  EXPECT_EQ(family_floor(13), v("580"));
  EXPECT_FALSE(family_floor(10));
  EXPECT_FALSE(family_floor(14));
}

TEST(DriverTable, KnowsTheDriverOfEachToolkit) {
  EXPECT_EQ(driver_for_cuda(v("12.8"))->text(), "570.26");
  EXPECT_EQ(driver_for_cuda(v("12.8.1"))->text(), "570.26");
  EXPECT_EQ(driver_text(*driver_for_cuda(v("13.0"))), "580.65.06");
  EXPECT_EQ(driver_text(*driver_for_cuda(v("12.0"))), "525.60.13");
  EXPECT_EQ(driver_for_cuda(v("13.4"))->text(), "615");
  EXPECT_EQ(driver_for_cuda(v("13.5"))->text(), "620");
  EXPECT_FALSE(driver_for_cuda(v("13.9")));
  EXPECT_FALSE(driver_for_cuda(v("14.0")));
}

TEST(DriverTable, KnowsWhichCudaLoadsAPtxIsa) {
  const std::pair<const char*, const char*> rows[] = {
      {"6.5", "10.2"}, {"7.0", "11.0"}, {"7.8", "11.8"}, {"8.0", "12.0"}, {"8.4", "12.4"},
      {"8.5", "12.5"}, {"8.6", "12.7"}, {"8.7", "12.8"}, {"8.8", "12.9"}, {"9.0", "13.0"},
      {"9.2", "13.2"}, {"9.5", "13.5"}, {"3.2", "8.0"},
  };
  for (const auto& [isa, cuda] : rows) {
    const auto support = cuda_for_ptx_isa(v(isa));
    EXPECT_EQ(support->cuda.text(), cuda) << isa;
    EXPECT_TRUE(support->exact) << isa;
  }
  EXPECT_FALSE(cuda_for_ptx_isa(v("9.9"))->exact);
  EXPECT_GT(cuda_for_ptx_isa(v("9.9"))->cuda, v("13.5"));
}

TEST(DriverTable, KnowsWhoLoadsTheOutputOfAToolkit) {
  EXPECT_EQ(cuda_that_loads_ptx_of(v("12.4")).text(), "12.4");
  EXPECT_EQ(cuda_that_loads_ptx_of(v("12.6")).text(), "12.5");  // both write ISA 8.5
  EXPECT_EQ(cuda_that_loads_ptx_of(v("14.1.2")).text(), "14.1");
}

}  // namespace
}  // namespace gpuinit::rules
