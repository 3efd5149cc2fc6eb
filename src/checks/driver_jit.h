// Whether this node's driver compiles torch's PTX at load time.
#pragma once

#include <optional>
#include <string>

#include "checks/arch_coverage.h"
#include "checks/context.h"
#include "checks/driver_view.h"

namespace gpuinit::checks {

class DriverJit {
 public:
  explicit DriverJit(const Context& context);

  // PTX of this ISA version; an unknown one counts as the ISA that torch's own
  // toolkit writes.
  Tristate compiles(const Fact<std::string>& isa) const;

  // The driver's CUDA version that such PTX needs.
  std::optional<rules::PtxSupport> needs(const Fact<std::string>& isa) const;

  bool disabled() const { return disabled_; }  // by CUDA_DISABLE_PTX_JIT
  const DriverView& view() const { return view_; }

 private:
  DriverView view_;
  std::optional<rules::Version> toolkit_;  // CUDA version that torch was built with
  bool disabled_ = false;
  bool any_driver_ = false;
};

}  // namespace gpuinit::checks
