// writable: a place that the command writes to at its start cannot be written.
#include <cstring>

#include "base/byte_size.h"
#include "checks/check.h"
#include "checks/engines.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

constexpr char kWhy[] =
    "What it compiles and its temporary files go there: \"PermissionError\", \"Read-only file "
    "system\", \"No usable temporary directory\", \"failed to map segment from shared object\".";
constexpr char kFix[] =
    "Mount a volume (an emptyDir; docker's --tmpfs with `exec`), and let HOME or the variable "
    "name a directory in it.";

// Temporary files and compiled kernels have tens of megabytes.
constexpr std::uint64_t kTooLittle = 64 * base::kMiB;

// Empty if it will do, as far as is known.
std::string problem_of(const WritablePlace& place) {
  if (place.write_errno != 0) return ::strerror(place.write_errno);
  if (place.free_bytes && *place.free_bytes < kTooLittle)
    return "only " + base::mebibytes(*place.free_bytes) + " free";
  // Code is loaded from all of them but that one.
  return place.noexec && place.name != "TMPDIR" ? "mounted noexec" : "";
}

Findings run(const Context& context) {
  std::string why;
  const Engine* engine = engine_of(context, why);
  if (engine == nullptr) return {};
  const auto& places = context.node.places;
  if (!places || !context.image.variables)
    return unknown("cannot tell where the command can write",
                   places ? context.image.variables.reason() : places.reason());
  for (const WritablePlace& place : *places) {
    const std::string problem = problem_of(place);
    if (problem.empty() || engine->places.find(place.name) == std::string_view::npos) continue;
    Finding finding =
        failure(kExitNode, joined({engine->name, " cannot use ", place.path, ": ", problem}));
    add_evidence(finding, "moved by", place.name);
    add_evidence(finding, "told because", why);
    finding.why = kWhy;
    finding.fix = kFix;
    return finding;
  }
  return {};
}

}  // namespace

extern constexpr Check kWritable{
    .id = "writable",
    .level = Level::kWarn,
    .exit_codes = "69",
    .needs_gpu = true,
    .title = "a place that the command writes to at its start cannot be written",
    .looks_at =
        "Only where vllm, sglang or unsloth runs: TMPDIR (or /tmp, /var/tmp), VLLM_CACHE_ROOT, "
        "TRITON_CACHE_DIR, FLASHINFER_WORKSPACE_BASE, else below XDG_CACHE_HOME or HOME: whether "
        "this user may write, 64 MiB are free, and, for caches of code, noexec. Nothing is "
        "written.",
    .why = kWhy,
    .fix = kFix,
    .source = "CPython, Lib/tempfile.py; vLLM, vllm/envs.py; Triton, python/triton/knobs.py",
    .run = run,
};

}  // namespace gpuinit::checks
