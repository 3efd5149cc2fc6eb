// loader.shadowed: torch gets the CUDA libraries that it was installed with.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/evidence.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

// A copy that a wheel brought: …/site-packages/nvidia/nvjitlink/lib/libnvJitLink.so.12.
bool is_of_wheel(const std::string& path) {
  const auto lib = base::parent(path);
  return base::basename(lib) == "lib" &&
         base::basename(base::parent(base::parent(lib))) == "nvidia";
}

}  // namespace

Findings check_loader_shadowed(const Context& context) {
  if (auto finding = loader_not_judged(context, "loader.shadowed")) return {*std::move(finding)};
  if (auto finding = context.explained("loader.shadowed",
                                       {"loader.missing", "loader.version", "loader.symbol"}))
    return {*std::move(finding)};

  std::vector<std::pair<std::string, std::string>> pairs;  // loaded and by which rule, hidden
  std::string names;
  for (const LoadedLibrary& library : context.image.loader->libraries) {
    if (!is_of_cuda(library.name) || is_of_wheel(library.path)) continue;
    const auto wheel = std::find_if(library.hides.begin(), library.hides.end(), is_of_wheel);
    if (wheel == library.hides.end()) continue;
    if (pairs.size() < 3) names += (names.empty() ? "" : ", ") + library.name;
    pairs.emplace_back(library.path + " (" + library.found_by + ")", *wheel);
  }
  if (pairs.empty()) return {};
  if (pairs.size() > 3) names += " and " + std::to_string(pairs.size() - 3) + " more";

  Finding finding = failure(kExitImage, "torch gets another " + names +
                                            " than the nvidia-* wheels that it was installed with");
  for (std::size_t i = 0; i < std::min<std::size_t>(pairs.size(), 4); ++i) {
    note(finding, "loaded", pairs[i].first);
    note(finding, "hidden", pairs[i].second);
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "torch was tested with its own. Another release may lack symbols (\"undefined symbol: "
      "__nvJitLinkAddData_12_1\"), or compute more slowly, or wrongly.";
  finding.fix =
      "Take the CUDA toolkit's directories out of LD_LIBRARY_PATH and /etc/ld.so.conf.d; torch's "
      "wheels need none of them.";
  return judged_by_interpreter(context, {std::move(finding)});
}

}  // namespace gpuinit::checks
