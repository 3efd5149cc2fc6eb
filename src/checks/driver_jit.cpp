#include "checks/driver_jit.h"

#include <utility>

#include "rules/driver_table.h"

namespace gpuinit::checks {

DriverJit::DriverJit(const Context& context) : view_(view_of_driver(context)) {
  if (context.image.torch && context.image.torch->cuda) {
    auto cuda = rules::parse_version(*context.image.torch->cuda);
    if (cuda) toolkit_ = std::move(cuda).value();
  }
  disabled_ = context.variable("CUDA_DISABLE_PTX_JIT") == "1";
  // A driver that is too old for torch has been reported; code must be judged by
  // the GPU alone then, as with the newer driver that is needed anyway.
  any_driver_ = context.suppresses("cuda.compat", "device.arch") ||
                context.suppresses("cuda.driver", "device.arch");
}

std::optional<rules::PtxSupport> DriverJit::needs(const Fact<std::string>& isa) const {
  if (isa) {
    const auto version = rules::parse_version(*isa);
    return version ? rules::cuda_for_ptx_isa(*version) : std::nullopt;
  }
  if (!toolkit_) return std::nullopt;
  return rules::PtxSupport{rules::cuda_that_loads_ptx_of(*toolkit_), true};
}

Tristate DriverJit::compiles(const Fact<std::string>& isa) const {
  if (disabled_) return Tristate::kNo;
  if (any_driver_) return Tristate::kYes;
  const auto needed = needs(isa);
  if (!needed || !view_.stack) return Tristate::kUnknown;
  const auto& driver = view_.stack->cuda;
  if (driver.cuda >= needed->cuda) return needed->exact ? Tristate::kYes : Tristate::kUnknown;
  return driver.exact ? Tristate::kNo : Tristate::kUnknown;
}

}  // namespace gpuinit::checks
