// Which GPUs can run code that was compiled for a target such as sm_90a.
//
// Sources: CUDA Programming Guide, "Compute Capabilities" (binary compatibility, family- and
// architecture-specific targets); PTX ISA, ".target". The GPUs: tables/compute_capabilities.h.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "rules/version.h"

namespace gpuinit::rules {

struct ComputeCapability {
  unsigned major = 0;
  unsigned minor = 0;

  std::string text() const;       // "9.0"
  std::string sm_target() const;  // "sm_90"
  auto operator<=>(const ComputeCapability&) const = default;
};

// "9.0"; nullopt if the text is anything else.
std::optional<ComputeCapability> parse_compute_capability(std::string_view text);

// What device code was compiled for.
struct Target {
  bool ptx = false;  // compute_90: PTX; sm_90: machine code (SASS)
  ComputeCapability capability;
  char suffix = 0;  // 'a': this capability only, 'f': its family, 0: neither
};

// "sm_90a", "compute_100f", "sm_120"; nullopt if the text is anything else ("lto_90", "sm_foo").
std::optional<Target> parse_target(std::string_view text);

enum class Runs {
  kNative,  // machine code that the device executes
  kJit,     // PTX that a new enough driver compiles for the device at load time
  kNo,
  kDoubtful,  // same major, but one is an integrated (Tegra) GPU: NVIDIA promises nothing, some
              // report it works
  kUnknown,   // not a target that is known here, or a family that may have grown
};

Runs runs_on(std::string_view target, ComputeCapability device);

// The first CUDA toolkit that compiles for this device: 12.0 → CUDA 12.8. nullopt if it is not in
// the table.
std::optional<Version> first_toolkit_for(ComputeCapability device);

// True for the GPU of a Tegra or Jetson chip.
bool is_integrated(ComputeCapability device);

// The last major version of CUDA whose toolkits do: 6.1 → 12. 0 if the newest do, and if the device
// is not in the table.
unsigned last_toolkit_for(ComputeCapability device);

}  // namespace gpuinit::rules
