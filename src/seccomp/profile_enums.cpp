#include "seccomp/profile_enums.h"

#include <cstring>

namespace gpuinit::seccomp {

namespace {

template <class V>
struct Named {
  std::string_view name;
  V value;
};

constexpr Named<Action> kActions[] = {
    {"SCMP_ACT_ALLOW", Action::kAllow},
    {"SCMP_ACT_ERRNO", Action::kError},
    {"SCMP_ACT_LOG", Action::kLog},
    {"SCMP_ACT_TRAP", Action::kTrap},
    {"SCMP_ACT_KILL", Action::kKillThread},
    {"SCMP_ACT_KILL_THREAD", Action::kKillThread},
    {"SCMP_ACT_KILL_PROCESS", Action::kKillProcess},
};

constexpr Named<std::string_view> kNotSupported[] = {
    {"SCMP_ACT_TRACE", "no tracer is attached to the command"},
    {"SCMP_ACT_NOTIFY", "gpuinit hands no calls to a listener"},
};

constexpr Named<Test::Is> kComparisons[] = {
    {"SCMP_CMP_EQ", Test::Is::kEqual},
    {"SCMP_CMP_NE", Test::Is::kNotEqual},
    {"SCMP_CMP_LT", Test::Is::kLess},
    {"SCMP_CMP_LE", Test::Is::kLessOrEqual},
    {"SCMP_CMP_GT", Test::Is::kGreater},
    {"SCMP_CMP_GE", Test::Is::kGreaterOrEqual},
    {"SCMP_CMP_MASKED_EQ", Test::Is::kMaskedEqual},
};

template <class V, std::size_t N>
std::optional<V> find(const Named<V> (&values)[N], std::string_view name) {
  for (const auto& known : values)
    if (known.name == name) return known.value;
  return std::nullopt;
}

}  // namespace

std::optional<Action> action_by_name(std::string_view name) { return find(kActions, name); }

std::string_view why_not_supported(std::string_view action) {
  return find(kNotSupported, action).value_or("");
}

std::optional<Test::Is> comparison_by_name(std::string_view name) {
  return find(kComparisons, name);
}

std::optional<int> errno_by_name(std::string_view name) {
  constexpr int kLast = 133;  // EHWPOISON
  for (int number = 1; number <= kLast; ++number) {
    const char* known = ::strerrorname_np(number);
    if (known != nullptr && name == known) return number;
  }
  return std::nullopt;
}

}  // namespace gpuinit::seccomp
