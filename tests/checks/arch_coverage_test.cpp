#include "checks/arch_coverage.h"

#include <gtest/gtest.h>

namespace gpuinit::checks {
namespace {

FatbinGroup group(std::vector<std::string> targets, std::uint64_t containers) {
  return {std::move(targets), Fact<std::string>("8.4"), containers};
}

CoverageVerdict judged(const std::vector<FatbinGroup>& groups, rules::ComputeCapability device,
                       Tristate jit = Tristate::kYes) {
  return verdict_of(coverage_of(groups, device, [&](const auto&) { return jit; }));
}

TEST(ArchCoverage, CountsEachContainerOnce) {
  const std::vector<FatbinGroup> groups{group({"compute_90", "sm_80", "sm_90"}, 341),
                                        group({"sm_90a"}, 2)};
  const auto coverage = coverage_of(groups, {9, 0}, [](const auto&) { return Tristate::kYes; });
  EXPECT_EQ(coverage.total, 343U);
  EXPECT_EQ(coverage.native, 343U);
  EXPECT_EQ(coverage.jit, 0U);
}

// Kernels for one GPU alone must not make the others look uncovered.
TEST(ArchCoverage, MostOfTheCodeDecides) {
  const std::vector<FatbinGroup> torch{group({"sm_80", "sm_90"}, 341), group({"sm_90a"}, 2)};
  EXPECT_EQ(judged(torch, {8, 0}), CoverageVerdict::kGood);
  EXPECT_EQ(judged(torch, {9, 0}), CoverageVerdict::kGood);
  EXPECT_EQ(judged(torch, {12, 0}), CoverageVerdict::kNothing);
  EXPECT_EQ(judged(torch, {7, 5}), CoverageVerdict::kNothing);
}

TEST(ArchCoverage, PtxIsSlowOrBlockedOrUndecided) {
  const std::vector<FatbinGroup> torch{group({"compute_90", "sm_90"}, 341), group({"sm_90a"}, 2)};
  EXPECT_EQ(judged(torch, {12, 0}, Tristate::kYes), CoverageVerdict::kSlowStart);
  EXPECT_EQ(judged(torch, {12, 0}, Tristate::kNo), CoverageVerdict::kBlocked);
  EXPECT_EQ(judged(torch, {12, 0}, Tristate::kUnknown), CoverageVerdict::kUnknown);
  EXPECT_EQ(judged(torch, {9, 0}, Tristate::kNo), CoverageVerdict::kGood);
}

// Two containers of machine code do not help when all the others cannot be compiled.
TEST(ArchCoverage, AHandfulOfNativeCodeIsNoCoverage) {
  const std::vector<FatbinGroup> torch{group({"compute_80", "sm_80"}, 341), group({"sm_90a"}, 2)};
  EXPECT_EQ(judged(torch, {9, 0}, Tristate::kNo), CoverageVerdict::kBlocked);
  EXPECT_EQ(judged(torch, {9, 0}, Tristate::kYes), CoverageVerdict::kSlowStart);
}

TEST(ArchCoverage, SomeIsPartial) {
  EXPECT_EQ(judged({group({"sm_90"}, 40), group({"sm_80"}, 60)}, {9, 0}),
            CoverageVerdict::kPartial);
  EXPECT_EQ(judged({group({"sm_90"}, 60), group({"sm_80"}, 40)}, {9, 0}), CoverageVerdict::kGood);
}

TEST(ArchCoverage, WhatIsNotKnownDecidesNothing) {
  EXPECT_EQ(judged({}, {9, 0}), CoverageVerdict::kUnknown);
  EXPECT_EQ(judged({group({"sm_foo"}, 10)}, {9, 0}), CoverageVerdict::kUnknown);
  EXPECT_EQ(judged({group({"sm_foo"}, 2), group({"sm_80"}, 341)}, {9, 0}),
            CoverageVerdict::kNothing);
  EXPECT_EQ(judged({group({"sm_80"}, 10)}, {8, 7}), CoverageVerdict::kDoubtful);
}

TEST(ArchCoverage, HostileCountsDoNotOverflow) {
  EXPECT_EQ(judged({group({"sm_90"}, UINT64_MAX), group({"sm_90"}, UINT64_MAX)}, {9, 0}),
            CoverageVerdict::kGood);
}

}  // namespace
}  // namespace gpuinit::checks
