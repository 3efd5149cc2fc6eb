// loader.shadowed: torch gets the CUDA libraries that it was installed with.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

// A copy that a wheel brought: …/site-packages/nvidia/nvjitlink/lib/libnvJitLink.so.12, and
// …/site-packages/cusparselt/lib/libcusparseLt.so.0 beside torch 2.6.
bool is_of_wheel(const std::string& path) {
  const auto lib = base::parent(path);
  const auto above = base::basename(base::parent(base::parent(lib)));
  return base::basename(lib) == "lib" &&
         (above == "nvidia" || above == "site-packages" || above == "dist-packages");
}

// What would let the wheel's copy be found, by the rule that found the other.
std::string cure(const LoadedLibrary& library) {
  const std::string_view by = library.found_by;
  const std::string_view directory = base::parent(library.path);
  if (by.starts_with("LD_"))
    return joined({"Take ", directory, " out of ", by.substr(0, by.find(','))});
  if (by.starts_with("ld.so.cache"))
    return joined({"Take ", directory, " out of /etc/ld.so.conf.d and run ldconfig"});
  return joined({"Remove ", library.path, " from the image"});
}

Findings run(const Context& context) {
  if (auto skip = loader_not_read(context)) return skip;

  std::vector<std::pair<std::string, std::string>> pairs;  // loaded and by which rule, hidden
  std::string names;
  std::string fix;
  for (const LoadedLibrary& library : context.image.loader->libraries) {
    if (!is_of_cuda(library.name) || is_of_wheel(library.path)) continue;
    const auto wheel = std::find_if(library.hides.begin(), library.hides.end(), is_of_wheel);
    if (wheel == library.hides.end()) continue;
    if (pairs.empty()) fix = cure(library);
    if (pairs.size() < 3) names += (names.empty() ? "" : ", ") + library.name;
    pairs.emplace_back(library.path + " (" + library.found_by + ")", *wheel);
  }
  if (pairs.empty()) return {};
  if (pairs.size() > 3) names += " and " + std::to_string(pairs.size() - 3) + " more";

  Finding finding = failure(kExitImage, "torch gets another " + names +
                                            " than the nvidia-* wheels that it was installed with");
  for (std::size_t i = 0; i < std::min<std::size_t>(pairs.size(), 4); ++i) {
    add_evidence(finding, "loaded", pairs[i].first);
    add_evidence(finding, "hidden", pairs[i].second);
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "torch was tested with its own. Another release may lack symbols (\"undefined symbol: "
      "__nvJitLinkAddData_12_1\"), or compute more slowly, or wrongly.";
  finding.fix = fix + "; torch's wheels need no other CUDA.";
  return finding;
}

}  // namespace

extern constexpr Check kLoaderShadowed{
    .id = "loader.shadowed",
    .level = Level::kWarn,
    .exit_codes = "65",
    .suppressed_by =
        "platform python.interpreter python.abi loader.missing loader.version loader.symbol",
    .needs_certain_interpreter = true,
    .title = "a CUDA library other than the one torch was installed with is loaded",
    .looks_at =
        "For each CUDA library that torch loads: whether an nvidia-* wheel on sys.path has a file "
        "of that name, and another file is loaded instead.",
    .why =
        "torch was built and tested with the release in the wheel. Another one may lack a "
        "function, be slower, or compute wrong results, and only some of the jobs notice.",
    .fix = "Take CUDA toolkit directories out of LD_LIBRARY_PATH and /etc/ld.so.conf.d.",
    .source = "ld.so(8); https://github.com/pytorch/pytorch/issues/138460",
    .run = run,
};

}  // namespace gpuinit::checks
