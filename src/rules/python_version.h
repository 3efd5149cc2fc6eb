// Versions of Python distributions and the specifiers that requirements write. Pure.
// Source: PEP 440 ("Version specifiers" of the PyPA specifications). Where that leaves
// room, what the library `packaging` does, since pip judges by it.
//
// Not to be confused with version.h: there the numbers of drivers and toolkits.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpuinit/tristate.h"

namespace gpuinit::rules {

struct PythonVersion {
  using Number = std::uint64_t;
  enum class Pre { kAlpha, kBeta, kCandidate };
  struct LocalPart {
    bool numeric = false;
    Number number = 0;
    std::string text;  // lower case
  };

  Number epoch = 0;
  std::vector<Number> release;  // at least one
  std::optional<std::pair<Pre, Number>> pre;
  std::optional<Number> post;
  std::optional<Number> dev;
  std::vector<LocalPart> local;  // "+cu128"; empty if there is none

  bool is_prerelease() const { return pre || dev; }
};

// nullopt if the text is not a version, has more than 200 bytes, or a number in it more than
// 18 digits.
std::optional<PythonVersion> parse_python_version(std::string_view text);

// 1.0.dev1 < 1.0a1 < 1.0rc1 < 1.0 == 1.0.0 < 1.0+cu128 < 1.0.post1
std::strong_ordering operator<=>(const PythonVersion& a, const PythonVersion& b);
bool operator==(const PythonVersion& a, const PythonVersion& b);

// One clause: "==2.8.*", "~= 3.4.0", "===anything".
struct PythonSpecifier {
  enum class Op {
    kCompatible,
    kEqual,
    kNotEqual,
    kLessEqual,
    kGreaterEqual,
    kLess,
    kGreater,
    kArbitrary,
  };
  Op op = Op::kEqual;
  bool prefix = false;    // ends in ".*"; kEqual and kNotEqual only
  PythonVersion version;  // not of kArbitrary
  std::string text;       // of kArbitrary
};
std::optional<PythonSpecifier> parse_python_specifier(std::string_view text);

// Whether a version that is installed satisfies the specifier; unlike in the choice of
// what to install, pre-releases count. kUnknown if the version cannot be read.
Tristate satisfies(std::string_view version, const PythonSpecifier& specifier);

// The same for clauses between commas; "" is satisfied by all.
Tristate satisfies_all(std::string_view version, std::string_view specifiers);

}  // namespace gpuinit::rules
