// PEP 440 specifiers: which versions satisfy them.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "rules/python_version.h"

namespace gpuinit::rules {

namespace {

using Op = PythonSpecifier::Op;

constexpr std::size_t kMaxText = 200;

constexpr std::array<std::pair<std::string_view, Op>, 8> kOps{{
    {"===", Op::kArbitrary},  // before "=="
    {"~=", Op::kCompatible},
    {"==", Op::kEqual},
    {"!=", Op::kNotEqual},
    {"<=", Op::kLessEqual},
    {">=", Op::kGreaterEqual},
    {"<", Op::kLess},
    {">", Op::kGreater},
}};

// The first `length` numbers of the release, missing ones 0, are those of `prefix`.
bool begins_with(const PythonVersion& version, const PythonVersion& prefix, std::size_t length) {
  if (version.epoch != prefix.epoch) return false;
  for (std::size_t i = 0; i < length; ++i)
    if ((i < version.release.size() ? version.release[i] : 0) != prefix.release[i]) return false;
  return true;
}

bool holds(const PythonVersion& version, const PythonSpecifier& specifier) {
  const PythonVersion& wanted = specifier.version;
  // A specifier without a local part does not look at the version's.
  PythonVersion seen = version;
  if (wanted.local.empty()) seen.local.clear();
  switch (specifier.op) {
    case Op::kEqual:
      if (specifier.prefix) return begins_with(version, wanted, wanted.release.size());
      return seen == wanted;
    case Op::kNotEqual:
      if (specifier.prefix) return !begins_with(version, wanted, wanted.release.size());
      return seen != wanted;
    case Op::kCompatible:
      return seen >= wanted && begins_with(version, wanted, wanted.release.size() - 1);
    case Op::kLessEqual:
      return seen <= wanted;
    case Op::kGreaterEqual:
      return seen >= wanted;
    case Op::kLess: {
      // "<1.0" means neither 1.0rc1 nor 1.0.dev1, and 1.0.dev0 is the first of them all.
      PythonVersion limit = wanted;
      if (!limit.is_prerelease()) limit.dev = 0;
      return seen < limit;
    }
    case Op::kGreater:
      // ">1.0" means no 1.0.post1.
      if (!wanted.post && !wanted.dev && seen.post) {
        seen.post.reset();
        seen.dev.reset();
      }
      return seen > wanted;
    case Op::kArbitrary:
      break;
  }
  return false;
}

}  // namespace

std::optional<PythonSpecifier> parse_python_specifier(std::string_view text) {
  text = base::trim(text);
  if (text.size() > kMaxText) return std::nullopt;
  PythonSpecifier specifier;
  const auto op = std::find_if(kOps.begin(), kOps.end(),
                               [&](const auto& one) { return text.starts_with(one.first); });
  if (op == kOps.end()) return std::nullopt;
  specifier.op = op->second;
  text = base::trim(text.substr(op->first.size()));
  if (specifier.op == Op::kArbitrary) {
    if (text.empty() || text.find_first_of(" \t;)") != std::string_view::npos) return std::nullopt;
    specifier.text = text;
    return specifier;
  }

  const bool equality = specifier.op == Op::kEqual || specifier.op == Op::kNotEqual;
  specifier.prefix = text.ends_with(".*");
  if (specifier.prefix) text.remove_suffix(2);
  auto version = parse_python_version(text);
  if (!version) return std::nullopt;
  const bool only_release = !version->is_prerelease() && !version->post && version->local.empty();
  if (specifier.prefix && (!equality || !only_release)) return std::nullopt;
  if (!equality && !version->local.empty()) return std::nullopt;
  if (specifier.op == Op::kCompatible && version->release.size() < 2) return std::nullopt;
  specifier.version = *std::move(version);
  return specifier;
}

Tristate satisfies(std::string_view version, const PythonSpecifier& specifier) {
  const auto parsed = parse_python_version(version);
  if (specifier.op == Op::kArbitrary) {
    const std::string_view text = base::trim(version);
    const auto same = [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
    };
    if (std::equal(text.begin(), text.end(), specifier.text.begin(), specifier.text.end(), same))
      return Tristate::kYes;
    // Compared as text: which spelling of one version was meant is not known.
    const auto wanted = parse_python_version(specifier.text);
    return !parsed || (wanted && *wanted == *parsed) ? Tristate::kUnknown : Tristate::kNo;
  }
  if (!parsed) return Tristate::kUnknown;
  return to_tristate(holds(*parsed, specifier));
}

Tristate satisfies_all(std::string_view version, std::string_view specifiers) {
  Tristate answer = Tristate::kYes;
  for (const std::string_view part : base::split(specifiers, ',')) {
    if (base::trim(part).empty()) continue;
    const auto specifier = parse_python_specifier(part);
    answer = both(answer, specifier ? satisfies(version, *specifier) : Tristate::kUnknown);
  }
  return answer;
}

}  // namespace gpuinit::rules
