// loader.symbol: what CUDA's libraries and torch ask of each other is defined in what is loaded.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/evidence.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

Findings check_loader_symbol(const Context& context) {
  if (auto finding = loader_not_judged(context, "loader.symbol")) return {*std::move(finding)};
  if (auto finding =
          context.explained("loader.symbol", {"loader.missing", "libc.version", "loader.version"}))
    return {*std::move(finding)};
  const LoaderFacts& loader = *context.image.loader;
  const auto& symbols = loader.problems.undefined_symbols;
  if (!symbols) {
    if (symbols.is_absent()) return {};
    return {unknown("cannot tell whether every symbol is defined" + because(symbols.reason()))};
  }
  if (symbols->empty()) return {};

  const UndefinedSymbol& first = symbols->front();
  const LoadedLibrary* provider = loaded(loader, first.version);
  Finding finding = failure(
      kExitImage, short_path(context, first.needed_by) + " needs the symbol " + first.name +
                      (provider == nullptr ? ", which no loaded library has"
                                           : ", which " + provider->path + " does not have"));
  for (std::size_t i = 0; i < std::min<std::size_t>(symbols->size(), 4); ++i)
    note(finding, "undefined", (*symbols)[i].name + " of " + (*symbols)[i].needed_by);
  if (provider != nullptr) {
    note(finding, "loaded", provider->path + " (" + provider->found_by + ")");
    if (!provider->hides.empty()) note(finding, "hidden by it", listed(provider->hides, 3));
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why = "Python binds every symbol at once: `import torch` would end with \"" +
                std::string(base::basename(first.needed_by)) + ": undefined symbol: " + first.name +
                (first.version.empty() ? "\"." : ", version " + first.version + "\".");
  if (provider != nullptr && !provider->hides.empty()) {
    finding.fix = "Let " + provider->hides.front() + " be found: ";
    finding.fix += provider->found_by.starts_with("LD_")
                       ? "take " + std::string(base::parent(provider->path)) + " out of " +
                             provider->found_by + "."
                       : "remove " + provider->path +
                             " from the image, or put the directory of the "
                             "right one first in LD_LIBRARY_PATH.";
  } else {
    finding.fix =
        "Two releases of CUDA's libraries are mixed: install torch again, in one pip command, so "
        "that all of its nvidia-* packages are those that it asks for.";
  }
  return judged_by_interpreter(context, {std::move(finding)});
}

}  // namespace gpuinit::checks
