// The version ranges that policies write: ">=3.10,<3.13", "2.8.*", "~=3.11".
//
// Source of the operators: PEP 440, "Version specifiers". One thing differs on
// purpose: "12.8" and "==12.8" match 12.8.1 too, because whoever pins CUDA 12.8
// or Python 3.12 means the release series.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "rules/version.h"

namespace gpuinit::rules {

namespace {

using Clause = VersionRange::Clause;
using Op = Clause::Op;

constexpr std::size_t kMaxClauses = 32;
constexpr char kExample[] = "; a range looks like \">=3.10,<3.13\" or \"2.8.*\"";

// Longest first: "<=" before "<".
constexpr std::array<std::pair<std::string_view, Op>, 7> kOperators{{
    {"==", Op::kEqual},
    {"!=", Op::kNotEqual},
    {"<=", Op::kLessEqual},
    {">=", Op::kGreaterEqual},
    {"~=", Op::kCompatible},
    {"<", Op::kLess},
    {">", Op::kGreater},
}};

// As many numbers as `prefix` has are equal.
bool starts_with(const Version& version, const std::vector<unsigned>& prefix) {
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    const unsigned number = i < version.numbers.size() ? version.numbers[i] : 0;
    if (number != prefix[i]) return false;
  }
  return true;
}

bool holds(const Clause& clause, const Version& version) {
  switch (clause.op) {
    case Op::kEqual:
      return starts_with(version, clause.version.numbers);
    case Op::kNotEqual:
      return !starts_with(version, clause.version.numbers);
    case Op::kLess:
      return version < clause.version;
    case Op::kLessEqual:
      return version <= clause.version;
    case Op::kGreater:
      return version > clause.version;
    case Op::kGreaterEqual:
      return version >= clause.version;
    case Op::kCompatible: {
      std::vector<unsigned> series = clause.version.numbers;
      series.pop_back();
      return version >= clause.version && starts_with(version, series);
    }
  }
  return false;
}

Result<Clause> parse_clause(std::string_view text) {
  const std::string_view whole = base::trim(text);
  const auto refuse = [&](std::string_view because) {
    std::string message = "\"" + base::printable(whole, 60) + "\" is not a version range";
    if (!because.empty()) message.append(": ").append(because);
    return Error{message + kExample};
  };

  Clause clause;
  std::string_view rest = whole;
  bool bare = true;
  for (const auto& [sign, op] : kOperators) {
    if (!rest.starts_with(sign)) continue;
    clause.op = op;
    rest = base::trim(rest.substr(sign.size()));
    bare = false;
    break;
  }

  const bool series = rest.ends_with(".*");
  if (series) {
    rest.remove_suffix(2);
    if (!bare && clause.op != Op::kEqual && clause.op != Op::kNotEqual)
      return refuse("\".*\" goes with == and != only");
  }
  if (rest.empty() || rest[0] < '0' || rest[0] > '9') return refuse("");
  auto version = parse_version(rest);
  if (!version) return refuse("");
  if (version->rest.starts_with('+'))
    return refuse("what follows the '+' is not compared, leave it out");
  if (!version->rest.empty()) return refuse("only dotted numbers are compared");
  if (clause.op == Op::kCompatible && version->numbers.size() < 2)
    return refuse("~= needs two numbers, as in ~=3.11");
  clause.version = std::move(version).value();
  return clause;
}

// Above `version`, and below all that parse_version() can give above it: that has at most eight
// numbers.
Version just_above(Version version) {
  version.numbers.resize(8);
  version.numbers.push_back(1);
  return version;
}

// Where the answer of contains() may change, of this range.
void add_turning_points(const VersionRange& range, std::vector<Version>& points) {
  for (const Clause& clause : range.clauses) {
    points.push_back(clause.version);
    // The ends of its series: 3.12 and, of ~=3.11, 4.
    for (std::vector<unsigned> end = clause.version.numbers; !end.empty(); end.pop_back()) {
      ++end.back();
      points.push_back({end, ""});
    }
  }
}

}  // namespace

bool VersionRange::contains(const Version& version) const {
  for (const Clause& clause : clauses)
    if (!holds(clause, version)) return false;
  return true;
}

Result<VersionRange> parse_version_range(std::string_view text) {
  VersionRange range;
  if (base::trim(text).empty()) return range;
  for (const std::string_view part : base::split(text, ',')) {
    if (range.clauses.size() == kMaxClauses) return Error{"a version range has at most 32 parts"};
    auto clause = parse_clause(part);
    if (!clause) return std::move(clause).error();
    range.clauses.push_back(std::move(clause).value());
  }
  return range;
}

// Between two turning points nothing changes, so that one version of each such stretch is enough.
bool is_within(const VersionRange& inner, const VersionRange& outer) {
  std::vector<Version> points{{{0}, ""}};
  add_turning_points(inner, points);
  add_turning_points(outer, points);
  const auto escapes = [&](const Version& version) {
    return inner.contains(version) && !outer.contains(version);
  };
  return std::none_of(points.begin(), points.end(), [&](const Version& point) {
    return escapes(point) || escapes(just_above(point));
  });
}

}  // namespace gpuinit::rules
