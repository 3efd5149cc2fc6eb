#include "rules/python_version.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "packaging_table.h"

namespace gpuinit::rules {
namespace {

using namespace packaging_table;

TEST(PythonVersion, IsOrderedAsPackagingOrders) {
  for (const Ordered& a : kOrder) {
    const auto left = parse_python_version(a.version);
    ASSERT_TRUE(left.has_value()) << a.version;
    for (const Ordered& b : kOrder) {
      const auto right = parse_python_version(b.version);
      ASSERT_TRUE(right.has_value()) << b.version;
      EXPECT_EQ(*left <=> *right, a.place <=> b.place) << a.version << " and " << b.version;
    }
  }
}

TEST(PythonVersion, WhatIsNoneForPackagingIsNoneHere) {
  for (const char* text : kNoVersions) EXPECT_FALSE(parse_python_version(text)) << text;
}

TEST(PythonVersion, HasItsParts) {
  const auto version = parse_python_version(" 1!2.8.0rc1.post2.dev3+CU128.1 ");
  ASSERT_TRUE(version.has_value());
  EXPECT_EQ(version->epoch, 1U);
  EXPECT_EQ(version->release, (std::vector<PythonVersion::Number>{2, 8, 0}));
  EXPECT_EQ(version->pre->first, PythonVersion::Pre::kCandidate);
  EXPECT_EQ(version->post, 2U);
  EXPECT_EQ(version->dev, 3U);
  ASSERT_EQ(version->local.size(), 2U);
  EXPECT_EQ(version->local[0].text, "cu128");
  EXPECT_TRUE(version->local[1].numeric);
}

TEST(PythonVersion, HasLimits) {
  EXPECT_FALSE(parse_python_version("1.1234567890123456789"));
  EXPECT_TRUE(parse_python_version("1.123456789012345678"));
  EXPECT_FALSE(parse_python_version(std::string(1000, '1')));
  EXPECT_FALSE(parse_python_version(""));
  EXPECT_FALSE(parse_python_version(std::string("1.0\0", 4)));
}

TEST(PythonSpecifier, IsSatisfiedAsPackagingSays) {
  for (const Row& row : kSpecifiers) {
    const std::string expected = row.satisfied;
    const auto specifier = parse_python_specifier(row.specifier);
    ASSERT_EQ(specifier.has_value(), !expected.empty()) << row.specifier;
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(satisfies(kVersions[i], *specifier),
                expected[i] == '1' ? Tristate::kYes : Tristate::kNo)
          << kVersions[i] << " " << row.specifier;
  }
}

TEST(PythonSpecifier, ArbitraryEqualityComparesText) {
  EXPECT_EQ(satisfies("2.8.0+CU128", *parse_python_specifier("===2.8.0+cu128")), Tristate::kYes);
  EXPECT_EQ(satisfies("2.8.0", *parse_python_specifier("=== 2.8.1")), Tristate::kNo);
  EXPECT_EQ(satisfies("2.8", *parse_python_specifier("===2.8.0")), Tristate::kUnknown);
  EXPECT_EQ(satisfies("weird", *parse_python_specifier("===weird")), Tristate::kYes);
}

TEST(PythonSpecifier, AllClausesMustHold) {
  EXPECT_EQ(satisfies_all("13.5.0", "<14,>=13.0.3"), Tristate::kYes);
  EXPECT_EQ(satisfies_all("14.0", "<14, >=13.0.3"), Tristate::kNo);
  EXPECT_EQ(satisfies_all("1.0", ""), Tristate::kYes);
  EXPECT_EQ(satisfies_all("1.0", ">=1,"), Tristate::kYes);
  EXPECT_EQ(satisfies_all("1.0", ">=1,what"), Tristate::kUnknown);
  EXPECT_EQ(satisfies_all("1.0", ">=2,what"), Tristate::kNo);
  EXPECT_EQ(satisfies_all("not a version", ">=2"), Tristate::kUnknown);
}

}  // namespace
}  // namespace gpuinit::rules
