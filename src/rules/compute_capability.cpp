// Target strings against devices.
#include "rules/compute_capability.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gpuinit::rules {

namespace {

using Capability = ComputeCapability;

constexpr unsigned kMaxNumber = 9999;  // of a capability's digits; more is not a target

// GPUs of Tegra and Jetson chips. 10.1 was renamed 11.0 with CUDA 13 (Thor).
constexpr std::array<Capability, 7> kTegra{
    {{3, 2}, {5, 3}, {6, 2}, {7, 2}, {8, 7}, {10, 1}, {11, 0}}};

bool is_tegra(Capability capability) {
  return std::find(kTegra.begin(), kTegra.end(), capability) != kTegra.end();
}

// One name for the GPU that has two.
Capability canonical(Capability capability) {
  return capability == Capability{10, 1} ? Capability{11, 0} : capability;
}

struct Family {
  Capability target;
  std::array<Capability, 2> members;  // the second equals the first in a family of one
};
constexpr std::array<Family, 5> kFamilies{{
    {{10, 0}, {{{10, 0}, {10, 3}}}},
    {{10, 3}, {{{10, 3}, {10, 3}}}},
    {{11, 0}, {{{11, 0}, {11, 0}}}},
    {{12, 0}, {{{12, 0}, {12, 1}}}},
    {{12, 1}, {{{12, 1}, {12, 1}}}},
}};

bool in_family(Capability target, Capability device) {
  if (target == device) return true;
  for (const Family& family : kFamilies)
    if (family.target == target)
      return std::find(family.members.begin(), family.members.end(), device) !=
             family.members.end();
  return false;
}

struct FirstToolkit {
  Capability device;
  unsigned major;
  unsigned minor;
};
// PTX ISA Version History, column "Supported Targets"; CUDA 12.7 had no toolkit,
// so that sm_100 came with 12.8.
constexpr std::array<FirstToolkit, 18> kFirstToolkits{{
    {{5, 0}, 6, 0},
    {{5, 2}, 6, 5},
    {{5, 3}, 7, 0},
    {{6, 0}, 8, 0},
    {{6, 1}, 8, 0},
    {{6, 2}, 8, 0},
    {{7, 0}, 9, 0},
    {{7, 2}, 9, 1},
    {{7, 5}, 10, 0},
    {{8, 0}, 11, 0},
    {{8, 6}, 11, 1},
    {{8, 7}, 11, 4},
    {{8, 9}, 11, 8},
    {{9, 0}, 11, 8},
    {{10, 0}, 12, 8},
    {{10, 3}, 12, 9},
    {{12, 0}, 12, 8},
    {{12, 1}, 12, 9},
}};

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
    return newer && !first_toolkit_for(device) ? Runs::kUnknown : Runs::kNo;
  }
  if (target->ptx) return device >= target->capability ? yes : Runs::kNo;

  if (wanted.major != device.major || device.minor < wanted.minor) return Runs::kNo;
  return is_tegra(wanted) == is_tegra(device) ? yes : Runs::kDoubtful;
}

std::optional<Version> first_toolkit_for(ComputeCapability device) {
  if (canonical(device) == Capability{11, 0}) return Version{{13, 0}, ""};
  for (const FirstToolkit& row : kFirstToolkits)
    if (row.device == device) return Version{{row.major, row.minor}, ""};
  return std::nullopt;
}

}  // namespace gpuinit::rules
