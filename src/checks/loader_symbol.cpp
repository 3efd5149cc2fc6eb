// loader.symbol: what CUDA's libraries and torch ask of each other is defined in what is loaded.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/frameworks.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

Findings of_torch(const Context& context) {
  if (auto skip = loader_not_read(context)) return skip;
  const LoaderFacts& loader = *context.image.loader;
  const auto& symbols = loader.problems.undefined_symbols;
  if (!symbols) {
    if (symbols.is_absent()) return {};
    return unknown("cannot tell whether every symbol is defined", symbols.reason());
  }
  if (symbols->empty()) return {};

  const UndefinedSymbol& first = symbols->front();
  const LoadedLibrary* provider = provider_of(loader, first);
  Finding finding = failure(
      kExitImage, short_path(context, first.needed_by) + " needs the symbol " + first.name +
                      (provider == nullptr ? ", which no loaded library has"
                                           : ", which " + provider->path + " does not have"));
  for (std::size_t i = 0; i < std::min<std::size_t>(symbols->size(), 4); ++i)
    add_evidence(finding, "undefined", (*symbols)[i].name + " of " + (*symbols)[i].needed_by);
  if (provider != nullptr) {
    add_evidence(finding, "loaded", provider->path + " (" + provider->found_by + ")");
    if (!provider->hides.empty()) add_evidence(finding, "hidden by it", listed(provider->hides, 3));
    if (std::string by = installed_for(context, provider->name); !by.empty())
      add_evidence(finding, "installed", std::move(by));
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
                             " from the image, or put the directory of the right one first in "
                             "LD_LIBRARY_PATH.";
  } else {
    if (provider != nullptr) finding.fix = as_torch_asks(context, provider->name);
    if (finding.fix.empty())
      finding.fix =
          "Two releases of CUDA's libraries are mixed: install torch again, in one pip command, so "
          "that all of its nvidia-* packages are those that it asks for.";
  }
  return finding;
}

Findings of_framework(const Context&, const Framework& framework, const void*) {
  const auto& symbols = framework.problems.undefined_symbols;
  if (!symbols || symbols->empty()) return {};
  const std::string& name = symbols->front().name;
  Finding finding =
      failure(kExitImage,
              joined({words_of(framework), " needs the symbol ", name, ", which no library has"}));
  add_evidence(finding, "undefined", joined({name, " of ", framework.path}));
  for (const LoadedLibrary& library : framework.libraries)
    if (finding.evidence.size() < 5) add_evidence(finding, "library", library.name, library.path);
  finding.why = joined({"It would not be loaded: \"undefined symbol: ", name, "\"."});
  finding.fix =
      "Install the release of CUDA's libraries that it was built with, or a newer driver for "
      "functions that begin with cu.";
  return finding;
}

Findings run(const Context& context) { return of_loading(context, of_torch, of_framework); }

}  // namespace

extern constexpr Check kLoaderSymbol{
    .id = "loader.symbol",
    .exit_codes = "65",
    .suppressed_by =
        "platform python.interpreter python.abi loader.missing libc.version loader.version",
    .needs_certain_interpreter = true,
    .title = "a shared library is found, but lacks a function that another needs of it",
    .looks_at =
        "The functions that CUDA's libraries ask of each other, and that torch asks of them, "
        "looked "
        "up in the libraries that the loader finds. Extensions beside torch are extension.abi's.",
    .why =
        "\"libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1, version "
        "libnvJitLink.so.12\": a library of another release answers to the name. LD_LIBRARY_PATH "
        "that points into a CUDA toolkit is the usual cause, or a later `pip install` that "
        "replaced NCCL (\"undefined symbol: ncclCommResume\").",
    .fix =
        "Take the toolkit's directories out of LD_LIBRARY_PATH, or install torch and its nvidia-* "
        "packages again in one command.",
    .source = "glibc, elf/dl-lookup.c; https://github.com/pytorch/pytorch/issues/134929",
    .run = run,
};

}  // namespace gpuinit::checks
