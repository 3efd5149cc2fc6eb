// libc.version: the image's glibc has the symbol versions that its libraries need.
#include <algorithm>

#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

Findings run(const Context& context) {
  if (!context.image.loader) {
    if (context.image.loader.is_absent()) return skipped("nothing to load");
    return unknown("cannot tell what the loader does", context.image.loader.reason());
  }
  const auto missing = missing_versions(context, true);
  if (missing.empty()) return {};
  const auto newest = std::max_element(
      missing.begin(), missing.end(), [](const MissingVersion& a, const MissingVersion& b) {
        return std::pair(a.version.size(), a.version) < std::pair(b.version.size(), b.version);
      });
  Finding finding = version_missing(
      context, missing,
      "the image's glibc is too old: " + short_path(context, newest->needed_by) + " needs " +
          newest->version + (newest->highest.empty() ? "" : ", and it has " + newest->highest));
  finding.fix =
      "Use a newer base image (manylinux_2_28 wheels need glibc 2.28: Debian 10, Ubuntu 20.04, "
      "RHEL 8 or newer), or an older build of the library that asks for it. glibc itself cannot be "
      "exchanged in an image.";
  return finding;
}

}  // namespace

extern constexpr Check kLibcVersion{
    .id = "libc.version",
    .exit_codes = "65",
    .suppressed_by = "python.interpreter",
    .needs_certain_interpreter = true,
    .title = "the image's glibc is older than its libraries need",
    .looks_at =
        "The GLIBC_2.x versions that the interpreter, torch and what they load need, against those "
        "that the image's glibc defines.",
    .why =
        "\"version `GLIBC_2.28' not found (required by libtorch_python.so)\": wheels are built on "
        "a system of a certain age and run on that or newer ones.",
    .fix = "Use a newer base image; glibc cannot be exchanged in an image.",
    .source = "glibc, elf/dl-version.c; PEP 600 (manylinux_x_y)",
    .run = run,
};

}  // namespace gpuinit::checks
