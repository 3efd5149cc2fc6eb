#include "rules/nvidia_require.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gpuinit::rules {

namespace {

constexpr std::string_view kOperatorCharacters = "<>=!";

struct Condition {
  std::string property;
  std::string_view op;
  std::string_view value;
};

// nullopt if it has no operator, or one that does not exist.
std::optional<Condition> parse_condition(std::string_view text) {
  const auto begin = text.find_first_of(kOperatorCharacters);
  if (begin == 0 || begin == std::string_view::npos) return std::nullopt;
  const auto end = text.find_first_not_of(kOperatorCharacters, begin);
  if (end == std::string_view::npos) return std::nullopt;
  const Condition condition{base::lower(text.substr(0, begin)), text.substr(begin, end - begin),
                            text.substr(end)};
  constexpr std::array<std::string_view, 6> kOperators{"=", "!=", "<", "<=", ">", ">="};
  if (std::ranges::find(kOperators, condition.op) == kOperators.end()) return std::nullopt;
  return condition;
}

Tristate compare(const Version& left, std::string_view op, const Version& right) {
  const auto order = left <=> right;
  if (op == "=") return to_tristate(order == 0);
  if (op == "!=") return to_tristate(order != 0);
  if (op == "<") return to_tristate(order < 0);
  if (op == "<=") return to_tristate(order <= 0);
  if (op == ">") return to_tristate(order > 0);
  return to_tristate(order >= 0);
}

// `least` is a lower bound of the true version.
Tristate compare_bound(const Version& least, std::string_view op, const Version& right) {
  const bool above = least > right;  // then the true version is above as well
  if (op == ">=") return least >= right ? Tristate::kYes : Tristate::kUnknown;
  if (op == ">" || op == "!=") return above ? Tristate::kYes : Tristate::kUnknown;
  if (op == "<") return least >= right ? Tristate::kNo : Tristate::kUnknown;
  return above ? Tristate::kNo : Tristate::kUnknown;  // "=", "<="
}

std::optional<Version> plain_version(std::string_view text) {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  auto version = parse_version(text);
  if (!version || !version->rest.empty()) return std::nullopt;
  return std::move(version).value();
}

Tristate holds(const Condition& condition, const RequirementFacts& facts,
               const std::optional<std::string>& brand) {
  if (condition.property == "brand") {
    if (!brand) return Tristate::kUnknown;
    const bool same = *brand == base::lower(condition.value);
    if (condition.op == "=") return to_tristate(same);
    return condition.op == "!=" ? to_tristate(!same) : Tristate::kUnknown;
  }
  const auto value = plain_version(condition.value);
  if (!value) return Tristate::kUnknown;
  if (condition.property == "cuda" && facts.cuda)
    return facts.cuda->exact ? compare(facts.cuda->cuda, condition.op, *value)
                             : compare_bound(facts.cuda->cuda, condition.op, *value);
  if (condition.property == "driver" && facts.driver)
    return compare(*facts.driver, condition.op, *value);
  if (condition.property == "arch" && facts.arch) return compare(*facts.arch, condition.op, *value);
  return Tristate::kUnknown;
}

Tristate alternative_met(std::string_view alternative, const RequirementFacts& facts,
                         const std::optional<std::string>& brand) {
  Tristate all = Tristate::kYes;
  for (auto text : base::split(alternative, ',')) {
    if (text.empty()) continue;
    const auto condition = parse_condition(text);
    all = both(all, condition ? holds(*condition, facts, brand) : Tristate::kUnknown);
  }
  return all;
}

Tristate met_with(std::string_view requirement, const RequirementFacts& facts,
                  const std::optional<std::string>& brand) {
  Tristate best = Tristate::kNo;
  bool empty = true;
  for (auto alternative : base::split_words(requirement)) {
    if (alternative.find_first_not_of(',') == std::string_view::npos) continue;
    empty = false;
    best = either(best, alternative_met(alternative, facts, brand));
  }
  return empty ? Tristate::kYes : best;
}

}  // namespace

Tristate requirement_met(std::string_view requirement, const RequirementFacts& facts) {
  if (facts.brands.empty()) return met_with(requirement, facts, std::nullopt);
  // Decided only if every brand that it may have gets the same answer.
  std::optional<Tristate> answer;
  for (const auto& brand : facts.brands) {
    const Tristate one = met_with(requirement, facts, brand);
    if (answer && *answer != one) return Tristate::kUnknown;
    answer = one;
  }
  return *answer;
}

bool requirement_names(std::string_view requirement, std::string_view property) {
  for (auto alternative : base::split_words(requirement))
    for (auto text : base::split(alternative, ','))
      if (const auto condition = parse_condition(text);
          condition && condition->property == property)
        return true;
  return false;
}

bool disables_requirements(std::string_view value) {
  constexpr std::array<std::string_view, 6> kTrue{"1", "t", "T", "TRUE", "true", "True"};
  return std::ranges::find(kTrue, value) != kTrue.end();
}

bool is_requirement(std::string_view variable) {
  return variable.starts_with("NVIDIA_REQUIRE_") && !variable.starts_with("NVIDIA_REQUIRE_JETPACK");
}

}  // namespace gpuinit::rules
