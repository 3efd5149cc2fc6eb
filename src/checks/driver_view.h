// The node's driver as the rules see it: versions as numbers, compat or not, which PTX it compiles.
#pragma once

#include <optional>
#include <string>

#include "checks/arch_coverage.h"
#include "checks/context.h"
#include "rules/driver_service.h"

namespace gpuinit::checks {

struct DriverView {
  std::optional<rules::DriverStack> stack;  // nullopt if its CUDA version is not known
  std::string cuda_words;   // "CUDA 12.2", "CUDA 13.2 or newer"; empty without a stack
  std::string source;       // what said the CUDA version; empty without a stack
  std::string why_unknown;  // without a stack
};

// What cuDriverGetVersion said, else the forward-compatibility note, else the
// table of driver branches for libcuda's release, else for the kernel module's.
DriverView view_of_driver(const Context& context);

// A driver's release as a number; nullopt if the text is another. Jetson's libcuda.so.1.1 and its
// like are not driver releases: those have had three digits for 15 years.
std::optional<rules::Version> driver_release(const Fact<std::string>& fact);

// As many numbers as both have: "535.104" says nothing against 535.104.05.
bool releases_differ(const rules::Version& a, const rules::Version& b);

// NGC images put their cuda-compat in front when a shell or their entrypoint starts
// (/etc/shinit_v2), which is after the libcuda was looked up.
bool compat_may_still_come(const Context& context, const DriverView& view);

// Whether this node's driver compiles torch's PTX at load time.
class DriverJit {
 public:
  explicit DriverJit(const Context& context);

  // PTX of this ISA version; an unknown one counts as the ISA that torch's own
  // toolkit writes.
  Tristate compiles(const Fact<std::string>& isa) const;

  // The driver's CUDA version that such PTX needs; nullopt if it is not known.
  std::optional<rules::PtxSupport> needs(const Fact<std::string>& isa) const;

  JitRule rule() const {
    return [this](const Fact<std::string>& isa) { return compiles(isa); };
  }

  bool disabled() const { return disabled_; }  // by CUDA_DISABLE_PTX_JIT
  const DriverView& view() const { return view_; }

 private:
  DriverView view_;
  std::optional<rules::Version> toolkit_;  // CUDA version that torch was built with
  bool disabled_ = false;
  bool any_driver_ = false;
};

}  // namespace gpuinit::checks
