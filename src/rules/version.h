// Versions as numbers, and the ranges that policies write. Pure, no I/O.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/result.h"

namespace gpuinit::rules {

// Dotted numbers, compared number by number; missing ones count as 0, so that
// 12.8 == 12.8.0. What follows the numbers ("+cu128", "rc1", "a0+git1234") is
// kept as text and not compared.
struct Version {
  std::vector<unsigned> numbers;  // at least one, at most 8
  std::string rest;

  unsigned major() const { return numbers[0]; }
  unsigned minor() const { return numbers.size() > 1 ? numbers[1] : 0; }
  std::string text() const;  // the numbers: "12.8"
};
std::strong_ordering operator<=>(const Version& a, const Version& b);
bool operator==(const Version& a, const Version& b);

// "535.104.05" → {535, 104, 5}; an optional leading "v" is allowed.
Result<Version> parse_version(std::string_view text);

// PEP 440-like ranges: ">=3.10,<3.13", "2.8.*" (prefix), "12.8" (the same as
// "12.8.*": as many numbers as are given must be equal), "!=535.54.03", "==…", "~=3.11".
struct VersionRange {
  struct Clause {
    enum class Op { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kCompatible };
    Op op = Op::kEqual;
    Version version;
  };
  std::vector<Clause> clauses;  // all must hold; empty: everything matches

  bool contains(const Version& version) const;
};
// The error says which part is not a range, and shows one that is.
Result<VersionRange> parse_version_range(std::string_view text);

// True if every version that `inner` contains is contained in `outer`.
bool is_within(const VersionRange& inner, const VersionRange& outer);

}  // namespace gpuinit::rules
