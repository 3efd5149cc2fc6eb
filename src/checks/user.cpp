// user: the user that the command runs as has no name, and torch asks for it.
#include "base/text.h"
#include "checks/check.h"
#include "checks/engines.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "rules/tables/package_releases.h"

namespace gpuinit::checks {

namespace {

constexpr char kWhy[] =
    "torch before 2.13 names its cache after the user when torch._inductor is imported: "
    "\"KeyError: 'getpwuid(): uid not found'\". TORCHINDUCTOR_CACHE_DIR does not prevent it.";
constexpr char kFix[] =
    "Set USER to any name: docker or podman: -e USER=app; Kubernetes: env: [{name: USER, "
    "value: app}]. Or add the uid to /etc/passwd.";

// What getpass.getuser() takes before it asks for the uid.
constexpr std::string_view kLoginVariables = "LOGNAME USER LNAME USERNAME";

Findings run(const Context& context) {
  const ImageFacts& image = context.image;
  std::string why;
  if (!image.torch || !image.torch->version || engine_of(context, why) == nullptr ||
      fits(*image.torch->version, rules::tables::kTorchAsksForUser) != Tristate::kYes ||
      image.user_name)
    return {};
  if (image.user_name.is_unknown() || !image.variables)
    return unknown("cannot tell whether the user has a name", image.user_name.is_unknown()
                                                                  ? image.user_name.reason()
                                                                  : image.variables.reason());
  for (const std::string_view name : base::split_words(kLoginVariables))
    if (is_set(context, name)) return {};
  const std::string uid = image.uid ? std::to_string(*image.uid) : "?";
  Finding finding = failure(kExitImage, joined({"the user ", uid, " has no name, and torch ",
                                                *image.torch->version, " asks for it"}));
  add_evidence(finding, "told because", why);
  finding.why = kWhy;
  finding.fix = kFix;
  return finding;
}

}  // namespace

extern constexpr Check kUser{
    .id = "user",
    .level = Level::kWarn,
    .exit_codes = "65",
    .needs_gpu = true,
    .suppressed_by = "torch.install",
    .needs_certain_interpreter = true,
    .title = "the user that the command runs as has no name, and torch asks for it",
    .looks_at =
        "Only where torch is older than 2.13 and vllm, sglang or unsloth runs: /etc/passwd and "
        "nsswitch.conf for the command's uid, and LOGNAME, USER, LNAME, USERNAME.",
    .why = kWhy,
    .fix = kFix,
    .source =
        "torch/_inductor/runtime/cache_dir_utils.py and codecache.py; CPython, Lib/getpass.py",
    .run = run,
};

}  // namespace gpuinit::checks
