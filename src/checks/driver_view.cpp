#include "checks/driver_view.h"

#include <algorithm>

#include "checks/finding_builder.h"
#include "rules/driver_table.h"

namespace gpuinit::checks {

namespace {

std::optional<rules::Version> version_of(const Fact<std::string>& fact) {
  if (!fact) return std::nullopt;
  auto version = rules::parse_version(*fact);
  if (!version) return std::nullopt;
  return std::move(version).value();
}

struct KnownCuda {
  rules::NativeCuda cuda;
  std::string source;
};

std::optional<KnownCuda> known_cuda(const Context& context) {
  const Driver& driver = context.node.driver;
  if (const auto version = version_of(driver.cuda_version))
    return KnownCuda{{*version, true},
                     context.node.probe ? "cuDriverGetVersion" : "the node's facts"};
  if (driver.libcuda && driver.libcuda->kind != "stub") {
    const LibCuda& library = *driver.libcuda;
    if (library.compat_note) {
      auto version = rules::parse_version(library.compat_note->cuda_version);
      if (version)
        return KnownCuda{{std::move(version).value(), true}, "the note in " + library.path};
    }
    if (const auto release = driver_release(library.version))
      if (const auto native = rules::native_cuda_of_driver(*release))
        return KnownCuda{*native, "the release of " + library.path};
    // An unknown libcuda over a known kernel driver may be compat.
    if (library.kind != "driver") return std::nullopt;
  }
  if (const auto release = driver_release(driver.kernel_version))
    if (const auto native = rules::native_cuda_of_driver(*release))
      return KnownCuda{*native, "the kernel driver's release"};
  return std::nullopt;
}

}  // namespace

std::optional<rules::Version> driver_release(const Fact<std::string>& fact) {
  constexpr unsigned kFirstThreeDigits = 100;
  auto version = version_of(fact);
  if (!version || version->major() < kFirstThreeDigits) return std::nullopt;
  return version;
}

DriverView view_of_driver(const Context& context) {
  const Driver& driver = context.node.driver;
  DriverView view;
  const auto known = known_cuda(context);
  if (!known) {
    const auto& reasons = driver.cuda_version.reason();
    view.why_unknown = "the driver's CUDA version is not known" + because(reasons);
    return view;
  }
  view.source = known->source;
  view.cuda_words = "CUDA " + known->cuda.cuda.text() + (known->cuda.exact ? "" : " or newer");

  rules::DriverStack stack;
  stack.cuda = known->cuda;
  stack.kernel = driver_release(driver.kernel_version);
  stack.initialises = context.init_error() == 0;
  if (driver.libcuda && driver.libcuda->kind == "forward-compat") {
    stack.forward_compat = true;
    stack.libcuda = driver_release(driver.libcuda->version);
    if (driver.libcuda->compat_note)
      stack.supported_branches = driver.libcuda->compat_note->driver_branches;
  }
  view.stack = std::move(stack);
  return view;
}

bool releases_differ(const rules::Version& a, const rules::Version& b) {
  const std::size_t length = std::min(a.numbers.size(), b.numbers.size());
  return !std::equal(a.numbers.begin(), a.numbers.begin() + static_cast<std::ptrdiff_t>(length),
                     b.numbers.begin());
}

bool compat_may_still_come(const Context& context, const DriverView& view) {
  return context.image.torch && context.image.torch->layout &&
         *context.image.torch->layout == "ngc" && context.image.interpreter &&
         !context.image.interpreter->from_command && !context.image.command.empty() &&
         !view.stack->forward_compat;
}

DriverJit::DriverJit(const Context& context) : view_(view_of_driver(context)) {
  if (context.image.torch) toolkit_ = version_of(context.image.torch->cuda);
  disabled_ = context.variable("CUDA_DISABLE_PTX_JIT") == "1";
  // A driver that is too old for torch has been reported; code must be judged by
  // the GPU alone then, as with the newer driver that is needed anyway.
  any_driver_ = context.suppresses("cuda.compat", "device.arch") ||
                context.suppresses("cuda.driver", "device.arch");
}

std::optional<rules::PtxSupport> DriverJit::needs(const Fact<std::string>& isa) const {
  if (isa) {
    const auto version = version_of(isa);
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
