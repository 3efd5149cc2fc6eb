// The node's driver as the rules see it: versions as numbers, compat or not.
#pragma once

#include <optional>
#include <string>

#include "checks/context.h"
#include "rules/driver_service.h"

namespace gpuinit::checks {

struct DriverView {
  std::optional<rules::DriverStack> stack;  // no value: its CUDA version cannot be told
  std::string cuda_words;   // "CUDA 12.2", "CUDA 13.2 or newer"; empty without a stack
  std::string source;       // what told the CUDA version; empty without a stack
  std::string why_unknown;  // without a stack
};

// What cuDriverGetVersion said, else the forward-compatibility note, else the
// table of driver branches for libcuda's release, else for the kernel module's.
DriverView view_of_driver(const Context& context);

// A driver's release as a number; no value for other texts. Jetson's libcuda.so.1.1
// and its like are no driver releases: those have had three digits for 15 years.
std::optional<rules::Version> driver_release(const Fact<std::string>& fact);

// As many numbers as both have: "535.104" says nothing against 535.104.05.
bool releases_differ(const rules::Version& a, const rules::Version& b);

// NGC images put their cuda-compat in front when a shell or their entrypoint starts
// (/etc/shinit_v2), which is after the libcuda was looked up.
bool compat_may_still_come(const Context& context, const DriverView& view);

}  // namespace gpuinit::checks
