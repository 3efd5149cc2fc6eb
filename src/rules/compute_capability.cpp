// Target strings against devices.
#include "rules/compute_capability.h"

#include "base/text.h"
#include "rules/tables/compute_capabilities.h"

namespace gpuinit::rules {

namespace {

using Capability = ComputeCapability;

constexpr unsigned kMaxNumber = 9999;  // of a capability's digits; more is not a target

// One name for the GPU that has two.
Capability canonical(Capability capability) {
  constexpr tables::RenamedCapability kRow = tables::kRenamed;
  return capability == Capability{kRow.old_major, kRow.old_minor}
             ? Capability{kRow.major, kRow.minor}
             : capability;
}

// Null if the table does not know it.
const tables::CapabilityRow* row_of(Capability capability) {
  const Capability wanted = canonical(capability);
  for (const tables::CapabilityRow& row : tables::kCapabilities)
    if (wanted == Capability{row.major, row.minor}) return &row;
  return nullptr;
}

bool in_family(Capability target, Capability device) {
  const auto* wanted = row_of(target);
  const auto* row = row_of(device);
  return target == device || (wanted != nullptr && row != nullptr && wanted->family != 0 &&
                              wanted->family == row->family && target < device);
}

}  // namespace

std::string ComputeCapability::text() const {
  return std::to_string(major) + '.' + std::to_string(minor);
}

std::string ComputeCapability::sm_target() const {
  return "sm_" + std::to_string(major) + std::to_string(minor);
}

std::optional<ComputeCapability> parse_compute_capability(std::string_view text) {
  const auto parts = base::split(text, '.');
  if (parts.size() != 2) return std::nullopt;
  const auto major = base::parse_number(parts[0]);
  const auto minor = base::parse_number(parts[1]);
  if (!major || !minor || *major == 0 || *major > kMaxNumber || *minor > 9) return std::nullopt;
  return Capability{static_cast<unsigned>(*major), static_cast<unsigned>(*minor)};
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  if (text.starts_with("sm_")) {
    text.remove_prefix(3);
  } else if (text.starts_with("compute_")) {
    text.remove_prefix(8);
    target.ptx = true;
  } else {
    return std::nullopt;
  }
  if (text.ends_with('a') || text.ends_with('f')) {
    target.suffix = text.back();
    text.remove_suffix(1);
  }
  // The last digit is the minor version: 90 → 9.0, 121 → 12.1.
  const auto number = base::parse_number(text);
  if (!number || *number < 10 || *number > kMaxNumber) return std::nullopt;
  target.capability = {static_cast<unsigned>(*number / 10), static_cast<unsigned>(*number % 10)};
  return target;
}

Runs runs_on(std::string_view text, ComputeCapability device_as_reported) {
  const auto target = parse_target(text);
  if (!target) return Runs::kUnknown;
  const Capability device = canonical(device_as_reported);
  const Capability wanted = canonical(target->capability);
  const Runs yes = target->ptx ? Runs::kJit : Runs::kNative;

  if (target->suffix == 'a') return wanted == device ? yes : Runs::kNo;
  if (target->suffix == 'f') {
    if (in_family(wanted, device)) return yes;
    // "They may be expanded in the future to include more devices": a device
    // that the table does not know may be a member.
    const bool newer = device.major == wanted.major && device.minor > wanted.minor;
    return newer && row_of(device) == nullptr ? Runs::kUnknown : Runs::kNo;
  }
  if (target->ptx) return device >= target->capability ? yes : Runs::kNo;

  if (wanted.major != device.major || device.minor < wanted.minor) return Runs::kNo;
  return is_integrated(wanted) == is_integrated(device) ? yes : Runs::kDoubtful;
}

std::optional<Version> first_toolkit_for(ComputeCapability device) {
  const auto* row = row_of(device);
  if (row == nullptr) return std::nullopt;
  return Version{{row->first_major, row->first_minor}, ""};
}

bool is_integrated(ComputeCapability device) {
  const auto* row = row_of(device);
  return row != nullptr && row->integrated;
}

unsigned last_toolkit_for(ComputeCapability device) {
  const auto* row = row_of(device);
  return row == nullptr ? 0 : row->last_major;
}

}  // namespace gpuinit::rules
