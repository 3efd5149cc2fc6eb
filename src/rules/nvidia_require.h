// The conditions in NVIDIA_REQUIRE_* variables, which an image sets to say on which
// drivers and GPUs it runs.
//
//   cuda>=12.2 brand=tesla,driver>=470,driver<471 brand=geforce,driver>=535,driver<536
//
// Blanks separate alternatives, one of which must hold; commas separate conditions, all
// of which must hold. A condition is a property, an operator (= != < <= > >=; there is no
// ==) and a value. Properties: cuda, the CUDA version of the driver; driver, the release
// of the kernel driver; arch, a GPU's compute capability; brand, its NVML brand.
// Versions are compared number by number, missing ones count as 0; brands only for
// equality and without regard to case.
//
// Sources: libnvidia-container, src/cli/dsl.c and configure.c; NVIDIA container toolkit,
// internal/requirements and internal/config/image. Where the two differ (the toolkit
// passes over properties that it does not know, libnvidia-container refuses them) the
// answer here is "unknown".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/tristate.h"
#include "rules/driver_table.h"
#include "rules/version.h"

namespace gpuinit::rules {

// What a condition can ask for, of one GPU. What is not known neither meets nor breaks a condition.
struct RequirementFacts {
  std::optional<NativeCuda> cuda;
  std::optional<Version> driver;
  std::optional<Version> arch;
  // Those that the GPU may have: a T4 is "tesla" to older drivers and "nvidia" to newer.
  std::vector<std::string> brands;
};

Tristate requirement_met(std::string_view requirement, const RequirementFacts& facts);

// Properties that an alternative of the requirement names, "cuda", "driver", …
bool requirement_names(std::string_view requirement, std::string_view property);

// True if NVIDIA_DISABLE_REQUIRE has one of the values that Go's strconv.ParseBool takes
// for true.
bool disables_requirements(std::string_view value);

// The variables that are conditions: NVIDIA_REQUIRE_*, but for NVIDIA_REQUIRE_JETPACK*,
// which speaks of something else.
bool is_requirement(std::string_view variable);

}  // namespace gpuinit::rules
