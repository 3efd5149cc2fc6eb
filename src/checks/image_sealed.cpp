// image.sealed: the image is what it was when it was sealed.
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

Findings run(const Context& context) {
  const auto& seal = context.image.seal;
  if (seal.is_unknown()) return unknown("whether the image is as it was sealed", seal.reason());
  if (!seal) return {};  // the image has none
  const auto& changes = seal->changes;
  if (changes.empty() && seal->unused_because.empty()) return {};
  if (changes.empty())
    return note(skipped(joined({"the seal is of another start: ", seal->unused_because})));

  Finding finding =
      failure(kExitImage, joined({"the image is not what was sealed: ", changes.front(),
                                  changes.size() > 1 ? ", and more" : ""}));
  add_evidence(finding, "seal", seal->path);
  for (const std::string& change : changes) add_evidence(finding, "changed", change);
  finding.why =
      "Something was installed, mounted or rewritten after the image was built and tested. What "
      "runs now was read anew, so the other findings are of the image as it is; the start is "
      "slower "
      "for it.";
  finding.fix =
      joined({"If the change is wanted, write ", seal->path,
              " after it, as the last step of the build (gpuinit's --seal). Otherwise take away "
              "what changes the image (a volume, packages that are installed at start, another "
              "tag)."});
  return finding;
}

}  // namespace

extern constexpr Check kImageSealed{
    .id = "image.sealed",
    .level = Level::kWarn,
    .exit_codes = "65",
    .title = "the image has changed since it was sealed",
    .looks_at =
        "The witnesses of the seal (image.seal in the policy, written by `gpuinit --seal`): size, "
        "time and mode of every file that the image's facts were read from, the target of every "
        "symlink, the time of every directory whose list mattered, every name that was looked for "
        "and not there, what ld.so.cache gives for the sealed names, what is mounted over them. A "
        "rewrite that keeps size and time goes unseen: the seal is no signature.",
    .why =
        "A package installed at start, a tag that floated, or a volume over site-packages make "
        "another image of the one that was tested.",
    .fix =
        "Seal the image as the last step of its build. To pin it, set checks.\"image.sealed\" = "
        "\"fail\".",
    .run = run,
};

}  // namespace gpuinit::checks
