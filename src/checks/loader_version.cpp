// libc.version and loader.version: each library has the symbol versions that others need of it.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/evidence.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

constexpr std::size_t kShown = 4;

std::vector<MissingVersion> missing_versions(const Context& context, bool of_glibc) {
  std::vector<MissingVersion> missing;
  for (const MissingVersion& one : context.image.loader->problems.missing_versions)
    if (is_of_glibc(one.file) == of_glibc) missing.push_back(one);
  return missing;
}

Finding too_old(const Context& context, const std::vector<MissingVersion>& missing,
                std::string summary) {
  Finding finding = failure(kExitImage, std::move(summary));
  for (std::size_t i = 0; i < std::min(missing.size(), kShown); ++i)
    note(finding, missing[i].version, "needed by " + missing[i].needed_by);
  const MissingVersion& first = missing.front();
  note(finding, "loaded", first.provider + " (" + first.found_by + ")");
  if (!first.highest.empty()) note(finding, "which has up to", first.highest);
  if (const auto* library = loaded(*context.image.loader, first.file);
      library != nullptr && !library->hides.empty())
    note(finding, "hidden by it", listed(library->hides, 3));
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why = "The loader refuses it: \"" + first.provider + ": version `" + first.version +
                "' not found (required by " + first.needed_by + ")\".";
  return finding;
}

}  // namespace

Findings check_libc_version(const Context& context) {
  if (context.explained_by("libc.version", "python.interpreter"))
    return {skipped("python.interpreter failed")};
  if (!context.image.loader) {
    if (context.image.loader.is_absent()) return {skipped("nothing to load")};
    return {unknown("cannot tell what the loader does" + because(context.image.loader.reason()))};
  }
  const auto missing = missing_versions(context, true);
  if (missing.empty()) return {};
  const auto newest = std::max_element(
      missing.begin(), missing.end(), [](const MissingVersion& a, const MissingVersion& b) {
        return std::pair(a.version.size(), a.version) < std::pair(b.version.size(), b.version);
      });
  Finding finding = too_old(
      context, missing,
      "the image's glibc is too old: " + short_path(context, newest->needed_by) + " needs " +
          newest->version + (newest->highest.empty() ? "" : ", and it has " + newest->highest));
  finding.fix =
      "Use a newer base image (manylinux_2_28 wheels need glibc 2.28: Debian 10, Ubuntu 20.04, "
      "RHEL 8 or newer), or an older build of the library that asks for it. glibc itself cannot be "
      "exchanged in an image.";
  return judged_by_interpreter(context, {std::move(finding)});
}

Findings check_loader_version(const Context& context) {
  if (auto finding = loader_not_judged(context, "loader.version")) return {*std::move(finding)};
  if (auto finding = context.explained("loader.version", {"libc.version"}))
    return {*std::move(finding)};
  const auto missing = missing_versions(context, false);
  if (missing.empty()) return {};
  const MissingVersion& first = missing.front();
  Finding finding = too_old(context, missing,
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
    finding.fix = "Install the release of " + first.file + " that " +
                  short_path(context, first.needed_by) + " was built with.";
  }
  return judged_by_interpreter(context, {std::move(finding)});
}

}  // namespace gpuinit::checks
