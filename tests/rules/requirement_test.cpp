#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/device_name.h"
#include "rules/nvidia_require.h"

namespace gpuinit::rules {
namespace {

Version version(const std::string& text) { return parse_version(text).value(); }

RequirementFacts node(const std::string& cuda, const std::string& driver, const std::string& arch,
                      std::vector<std::string> brands) {
  RequirementFacts facts;
  facts.cuda = NativeCuda{version(cuda), true};
  facts.driver = version(driver);
  facts.arch = version(arch);
  facts.brands = std::move(brands);
  return facts;
}

RequirementFacts t4() { return node("12.2", "535.104.05", "7.5", {"tesla"}); }

struct Case {
  const char* requirement;
  Tristate met;
};

TEST(Requirement, OperatorsCompareVersionsNumberByNumber) {
  const Case cases[] = {
      {"cuda>=12.2", Tristate::kYes},        {"cuda>=12.3", Tristate::kNo},
      {"cuda>12.2", Tristate::kNo},          {"cuda>12.1", Tristate::kYes},
      {"cuda<=12.2", Tristate::kYes},        {"cuda<12.10", Tristate::kYes},
      {"cuda<12.2", Tristate::kNo},          {"cuda=12.2", Tristate::kYes},
      {"cuda=12.2.0", Tristate::kYes},       {"cuda!=12.2", Tristate::kNo},
      {"cuda!=12.3", Tristate::kYes},        {"driver>=535", Tristate::kYes},
      {"driver<536", Tristate::kYes},        {"driver>=535.104.05", Tristate::kYes},
      {"driver>=535.104.5", Tristate::kYes}, {"driver>535.104.06", Tristate::kNo},
      {"driver=535", Tristate::kNo},         {"arch>=7.5", Tristate::kYes},
      {"arch=7.5", Tristate::kYes},          {"arch>=8.0", Tristate::kNo},
      {"CUDA>=12.2", Tristate::kYes},
  };
  for (const auto& test : cases)
    EXPECT_EQ(requirement_met(test.requirement, t4()), test.met) << test.requirement;
}

TEST(Requirement, BlanksAreAlternativesAndCommasConditions) {
  const Case cases[] = {
      {"", Tristate::kYes},
      {"  ", Tristate::kYes},
      {",", Tristate::kYes},
      {"cuda>=13.0 arch=7.5", Tristate::kYes},
      {"cuda>=13.0 arch=8.0", Tristate::kNo},
      {"cuda>=12.2,arch=7.5", Tristate::kYes},
      {"cuda>=12.2,arch=8.0", Tristate::kNo},
      {"cuda<12.0 cuda>=12.0,arch=7.5", Tristate::kYes},
      {"cuda>=13.0  arch=7.5 ", Tristate::kYes},
      {"cuda>=12.2,,arch=7.5,", Tristate::kYes},
      {"cuda>=13.0 ,", Tristate::kNo},
  };
  for (const auto& test : cases)
    EXPECT_EQ(requirement_met(test.requirement, t4()), test.met) << test.requirement;
}

TEST(Requirement, WhatIsNotUnderstoodIsUnknownUnlessTheRestDecides) {
  const Case cases[] = {
      {"notvalid", Tristate::kUnknown},
      {"foo=45", Tristate::kUnknown},
      {"cuda=foo", Tristate::kUnknown},
      {"cuda==12.2", Tristate::kUnknown},
      {"cuda=>12.2", Tristate::kUnknown},
      {"cuda>=", Tristate::kUnknown},
      {">=12.2", Tristate::kUnknown},
      {"cuda>=12.2a", Tristate::kUnknown},
      {"cuda>=12 foo=1", Tristate::kYes},
      {"foo=1 cuda>=12", Tristate::kYes},
      {"foo=1,cuda>=13", Tristate::kNo},
      {"foo=1,cuda>=12", Tristate::kUnknown},
      {"foo=1 cuda>=13", Tristate::kUnknown},
      {"brand>tesla", Tristate::kUnknown},
      {"cuda>=99999999999999999999", Tristate::kUnknown},
  };
  for (const auto& test : cases)
    EXPECT_EQ(requirement_met(test.requirement, t4()), test.met) << test.requirement;
}

TEST(Requirement, WhatIsNotKnownHoldsNothingAndBreaksNothing) {
  for (const char* text : {"cuda>=99", "driver>=999", "arch=1.0", "brand=tesla", "brand!=tesla"})
    EXPECT_EQ(requirement_met(text, {}), Tristate::kUnknown) << text;
  RequirementFacts driver_only;
  driver_only.driver = version("535.104.05");
  EXPECT_EQ(requirement_met("driver>=535 cuda>=99", driver_only), Tristate::kYes);
  EXPECT_EQ(requirement_met("driver>=536,cuda>=99", driver_only), Tristate::kNo);
}

TEST(Requirement, ALowerBoundOfCudaDecidesWhatItCan) {
  RequirementFacts facts;
  facts.cuda = NativeCuda{version("13.4"), false};
  const Case cases[] = {
      {"cuda>=13.4", Tristate::kYes}, {"cuda>=13.5", Tristate::kUnknown},
      {"cuda>13.3", Tristate::kYes},  {"cuda>13.4", Tristate::kUnknown},
      {"cuda<13.4", Tristate::kNo},   {"cuda<13.5", Tristate::kUnknown},
      {"cuda<=13.3", Tristate::kNo},  {"cuda<=13.4", Tristate::kUnknown},
      {"cuda=13.3", Tristate::kNo},   {"cuda=13.4", Tristate::kUnknown},
      {"cuda!=13.3", Tristate::kYes},
  };
  for (const auto& test : cases)
    EXPECT_EQ(requirement_met(test.requirement, facts), test.met) << test.requirement;
}

// As nvidia/cuda:12.2 and 12.1 images have it.
constexpr const char* kCuda122 =
    "cuda>=12.2 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=470,driver<471 "
    "brand=nvidia,driver>=470,driver<471 brand=nvidiartx,driver>=470,driver<471 "
    "brand=geforce,driver>=470,driver<471 brand=geforcertx,driver>=470,driver<471 "
    "brand=quadro,driver>=470,driver<471 brand=quadrortx,driver>=470,driver<471 "
    "brand=titan,driver>=470,driver<471 brand=titanrtx,driver>=470,driver<471 "
    "brand=tesla,driver>=525,driver<526 brand=unknown,driver>=525,driver<526 "
    "brand=nvidia,driver>=525,driver<526 brand=nvidiartx,driver>=525,driver<526 "
    "brand=geforce,driver>=525,driver<526 brand=geforcertx,driver>=525,driver<526 "
    "brand=quadro,driver>=525,driver<526 brand=quadrortx,driver>=525,driver<526 "
    "brand=titan,driver>=525,driver<526 brand=titanrtx,driver>=525,driver<526";
constexpr const char* kCuda110 =
    "cuda>=11.0 brand=tesla,driver>=418,driver<419 brand=tesla,driver>=440,driver<441";

TEST(Requirement, RealOnesOfCudaImages) {
  const auto met = [](const char* text, const std::string& cuda, const std::string& driver,
                      const std::string& name) {
    return requirement_met(text, node(cuda, driver, "8.0", brands_of(name)));
  };
  EXPECT_EQ(met(kCuda122, "12.2", "535.104.05", "Tesla T4"), Tristate::kYes);
  EXPECT_EQ(met(kCuda122, "12.0", "525.60.13", "Tesla T4"), Tristate::kYes);
  EXPECT_EQ(met(kCuda122, "12.0", "525.60.13", "NVIDIA GeForce RTX 4090"), Tristate::kYes);
  EXPECT_EQ(met(kCuda122, "12.0", "525.60.13", "NVIDIA A100-SXM4-80GB"), Tristate::kYes);
  EXPECT_EQ(met(kCuda122, "11.4", "470.82.01", "Quadro RTX 6000"), Tristate::kYes);
  EXPECT_EQ(met(kCuda122, "12.1", "530.30.02", "NVIDIA GeForce RTX 4090"), Tristate::kNo);
  EXPECT_EQ(met(kCuda122, "11.8", "520.61.05", "NVIDIA A100-SXM4-80GB"), Tristate::kNo);
  // A name that tells no brand: the driver's branch may still decide.
  EXPECT_EQ(met(kCuda122, "12.1", "530.30.02", "GRID A100-10C"), Tristate::kNo);
  EXPECT_EQ(met(kCuda122, "12.0", "525.60.13", "GRID A100-10C"), Tristate::kUnknown);
  // Tesla only: GeForce fails, a T4 may call itself tesla or nvidia.
  EXPECT_EQ(met(kCuda110, "10.2", "440.33.01", "GeForce RTX 2080"), Tristate::kNo);
  EXPECT_EQ(met(kCuda110, "10.2", "440.33.01", "Tesla T4"), Tristate::kUnknown);
  EXPECT_EQ(met(kCuda110, "10.1", "430.14", "Tesla T4"), Tristate::kNo);
  EXPECT_EQ(met("cuda>=9.0", "13.0", "580.65.06", "NVIDIA H100 80GB HBM3"), Tristate::kYes);
}

TEST(Requirement, BrandsCompareWithoutCase) {
  EXPECT_EQ(requirement_met("brand=Tesla", t4()), Tristate::kYes);
  EXPECT_EQ(requirement_met("brand!=GeForce", t4()), Tristate::kYes);
  EXPECT_EQ(requirement_met("brand!=TESLA", t4()), Tristate::kNo);
}

TEST(Requirement, KnowsItsVariables) {
  EXPECT_TRUE(is_requirement("NVIDIA_REQUIRE_CUDA"));
  EXPECT_TRUE(is_requirement("NVIDIA_REQUIRE_DRIVER"));
  EXPECT_FALSE(is_requirement("NVIDIA_REQUIRE_JETPACK"));
  EXPECT_FALSE(is_requirement("NVIDIA_REQUIRE_JETPACK_HOST_MOUNTS"));
  EXPECT_FALSE(is_requirement("NVIDIA_DISABLE_REQUIRE"));
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
    EXPECT_TRUE(disables_requirements(yes)) << yes;
  for (const char* no : {"", "0", "false", "yes", "on", "tRUE"})
    EXPECT_FALSE(disables_requirements(no)) << no;
  EXPECT_TRUE(requirement_names("foo>1 arch=7.5,brand=tesla", "brand"));
  EXPECT_FALSE(requirement_names("foo>1 arch=7.5", "cuda"));
}

}  // namespace
}  // namespace gpuinit::rules
