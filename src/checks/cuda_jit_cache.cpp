// cuda.jit-cache: the GPU needs PTX compiled at every start, and nothing keeps the result.
#include <cstring>

#include "base/text.h"
#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/driver_view.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// Machine code of one GPU for most of torch is hundreds of megabytes; with less than this
// hardly any of it can be kept.
constexpr std::uint64_t kTooLittle = 64ULL << 20;

// Why nothing would be kept. Empty if it would be, or if that is not known.
std::string obstacle(const Context& context) {
  if (context.variable("CUDA_CACHE_DISABLE") == "1") return "CUDA_CACHE_DISABLE=1 is set";
  const auto size = context.variable("CUDA_CACHE_MAXSIZE");
  if (size && base::parse_number(base::trim(*size)) == 0U) return "CUDA_CACHE_MAXSIZE is 0";
  const auto& cache = context.node.jit_cache;
  if (!cache) return "";
  if (cache->write_errno != 0)
    return "its cache " + cache->path + " cannot be written: " + ::strerror(cache->write_errno);
  if (cache->free_bytes && *cache->free_bytes < kTooLittle)
    return "the disk of its cache " + cache->path + " is full";
  return "";
}

Findings run(const Context& context) {
  const auto& torch = context.image.torch;
  if (!torch || !torch->cuda || !context.sees_devices()) return {};
  if (auto skip = context.skip_if_failed("cuda.driver torch.install")) return skip;
  const auto code = code_of(*torch);
  if (!code) return {};
  const DriverJit jit(context);
  std::vector<std::size_t> slow;
  const auto& devices = *context.node.devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto capability = capability_of(devices[i]);
    if (capability && verdict_of(coverage_of(code->groups, *capability, jit.rule())) ==
                          CoverageVerdict::kSlowStart)
      slow.push_back(i);
  }
  const std::string why_not = slow.empty() ? "" : obstacle(context);
  if (why_not.empty()) return {};
  Finding finding = failure(kExitFit, "the driver compiles torch's code for " + gpus(slow) +
                                          " at every start: " + why_not);
  add_devices(finding, devices, slow);
  if (context.node.jit_cache) add_evidence(finding, "cache", context.node.jit_cache->path);
  add_variables(finding, context, {"CUDA_CACHE_DISABLE", "CUDA_CACHE_PATH", "CUDA_CACHE_MAXSIZE"});
  finding.why =
      "torch has only PTX for this GPU. Compiling it takes minutes, and without a cache that can "
      "be written it is done again in every process.";
  finding.fix =
      "Use a torch build with machine code for this GPU, or set CUDA_CACHE_PATH to a directory on "
      "a volume that the container's user may write, and unset CUDA_CACHE_DISABLE.";
  return finding;
}

}  // namespace

extern constexpr Check kCudaJitCache{
    .id = "cuda.jit-cache",
    .level = Level::kWarn,
    .exit_codes = "66",
    .needs_gpu = true,
    .needs_certain_interpreter = true,
    .title = "the GPU needs PTX compiled at every start, and nothing keeps the result",
    .looks_at =
        "Only where torch reaches a visible GPU by PTX (see device.arch): CUDA_CACHE_DISABLE, "
        "CUDA_CACHE_MAXSIZE, and whether this user can write to CUDA_CACHE_PATH or "
        "$HOME/.nv/ComputeCache, or make it, with 64 MiB free.",
    .why =
        "The driver compiles the PTX at load time, which takes minutes for a whole torch. Without "
        "a cache every process of every start does it again, and it looks like a hang.",
    .fix =
        "Use a torch build with machine code for the GPU. Else set CUDA_CACHE_PATH to a directory "
        "on a volume that the user may write, with CUDA_CACHE_MAXSIZE large.",
    .source = "CUDA Programming Guide, \"CUDA Environment Variables\"",
    .run = run,
};

}  // namespace gpuinit::checks
