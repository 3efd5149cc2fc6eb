// loader.version: each library has the symbol versions that others need of it.
#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/frameworks.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

Findings of_torch(const Context& context) {
  if (auto skip = loader_not_read(context)) return skip;
  const auto missing = missing_versions(context, false);
  if (missing.empty()) return {};
  const MissingVersion& first = missing.front();
  Finding finding = version_missing(context, missing,
                                    first.provider + " has no " + first.version + ", which " +
                                        short_path(context, first.needed_by) + " needs");
  const auto* library = loaded(*context.image.loader, first.file);
  const bool by_variable = first.found_by.starts_with("LD_");
  if (by_variable) {
    finding.fix = "Take " + std::string(base::parent(first.provider)) + " out of " +
                  std::string(first.found_by.substr(0, first.found_by.find(','))) +
                  (library != nullptr && !library->hides.empty()
                       ? ", so that " + library->hides.front() + " is found."
                       : ".");
  } else if (first.file.starts_with("libstdc++") || first.file.starts_with("libgcc_s")) {
    finding.fix =
        "Use a newer libstdc++: a newer base image, or in conda `conda install -c conda-forge "
        "libstdcxx-ng`; or an extension that was built on an older system.";
  } else {
    finding.fix = as_torch_asks(context, first.file);
    if (finding.fix.empty())
      finding.fix = joined({"Install the release of ", first.file, " that ",
                            short_path(context, first.needed_by), " was built with."});
  }
  return finding;
}

// glibc's own versions too: libc.version is Python's.
Findings of_framework(const Context&, const Framework& framework, const void*) {
  const auto& all = framework.problems.missing_versions;
  if (all.empty()) return {};
  const MissingVersion& first = all.front();
  Finding finding = failure(kExitImage, joined({first.provider, " has no ", first.version,
                                                ", which ", first.needed_by, " needs"}));
  if (!first.highest.empty()) add_evidence(finding, "it has up to", first.highest);
  add_evidence(finding, "loaded by", first.found_by);
  finding.why = joined({"The loader refuses it: \"version `", first.version, "' not found\"."});
  finding.fix = joined({"Use a base image with a newer ", first.file, ", or a build of ",
                        framework.name, " for this one."});
  return finding;
}

Findings run(const Context& context) { return of_loading(context, of_torch, of_framework); }

}  // namespace

extern constexpr Check kLoaderVersion{
    .id = "loader.version",
    .exit_codes = "65",
    .suppressed_by = "platform python.interpreter python.abi libc.version",
    .needs_certain_interpreter = true,
    .title = "a shared library is found, but lacks a version that another needs of it",
    .looks_at =
        "The symbol versions (GLIBCXX_3.4.32, CXXABI_1.3.15, libcudart.so.12) that each library of "
        "the interpreter and torch needs, against the version definitions of the library that the "
        "loader finds. glibc's own are libc.version's.",
    .why =
        "\"libstdc++.so.6: version `GLIBCXX_3.4.32' not found\". An older copy is found first, by "
        "LD_LIBRARY_PATH or from conda, or the base image is older than the wheel.",
    .fix =
        "Take the directory of the older copy out of LD_LIBRARY_PATH, or bring a newer one into "
        "the image.",
    .source = "glibc, elf/dl-version.c; LSB, \"Symbol Versioning\"",
    .run = run,
};

}  // namespace gpuinit::checks
