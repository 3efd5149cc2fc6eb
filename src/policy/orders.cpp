#include "policy/orders.h"

#include "rules/version.h"

namespace gpuinit::policy {

namespace {

constexpr unsigned kMostGpus = 1024;  // of one machine; a larger count is asked for by nobody

}  // namespace

bool narrower_versions(const std::string& now, const std::string& wanted) {
  const auto outer = rules::parse_version_range(now);
  const auto inner = rules::parse_version_range(wanted);
  return outer && inner && rules::is_within(*inner, *outer);
}

// Not as versions: "4" is any 4.x there, and 4.1 is not "<=4".
bool narrower_count(const std::string& now, const std::string& wanted) {
  const auto outer = rules::parse_version_range(now);
  const auto inner = rules::parse_version_range(wanted);
  if (!outer || !inner) return false;
  for (unsigned count = 0; count <= kMostGpus; ++count)
    if (const rules::Version gpus{{count}, ""}; inner->contains(gpus) && !outer->contains(gpus))
      return false;
  return true;
}

bool no_other_seal(const std::string& now, const std::string& wanted) {
  return wanted.empty() || wanted == now;
}

bool fewer_choices(const std::vector<std::string>& now, const std::vector<std::string>& wanted) {
  return now.empty() || (!wanted.empty() && shorter(now, wanted));
}

}  // namespace gpuinit::policy
