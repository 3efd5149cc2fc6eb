// user: the user that the command runs as has no name, and torch asks for it.
#include "checks/check.h"
#include "checks/engines.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"

namespace gpuinit::checks {

namespace {

// What getpass.getuser() takes before it asks for the uid.
constexpr const char* kLoginVariables[] = {"LOGNAME", "USER", "LNAME", "USERNAME"};

Findings run(const Context& context) {
  const ImageFacts& image = context.image;
  if (!image.torch || !image.torch->version ||
      fits(*image.torch->version, "<2.13") != Tristate::kYes)
    return {};
  std::string why;
  const bool certain = engine_of(context, why) != nullptr;
  if (!image.user || image.user->name.is_unknown() || !image.variables) {
    if (!certain) return {};
    return unknown("cannot tell whether the user has a name", !image.user ? image.user.reason()
                                                              : image.user->name.is_unknown()
                                                                  ? image.user->name.reason()
                                                                  : image.variables.reason());
  }
  if (image.user->name) return {};
  for (const char* name : kLoginVariables)
    if (const auto* value = heeded_variable(context, name); value != nullptr && !value->empty())
      return {};
  const std::string uid = std::to_string(image.user->uid);
  Finding finding = failure(kExitImage, "the user " + uid + " has no name, and torch asks for it");
  add_evidence(finding, "uid", uid + ": " + image.user->name.reason());
  add_evidence(finding, "torch", *image.torch->version);
  if (certain) add_evidence(finding, "told because", why);
  finding.why =
      "torch before 2.13 names the cache of torch.compile after the user when torch._inductor is "
      "imported: \"KeyError: 'getpwuid(): uid not found: " +
      uid + "'\". TORCHINDUCTOR_CACHE_DIR does not prevent it.";
  finding.fix =
      "Set USER in the container to any name: `docker run -e USER=app`, in Kubernetes `env: "
      "[{name: "
      "USER, value: app}]`. Or add the uid to /etc/passwd, or use torch 2.13.";
  return certain ? finding : note(std::move(finding));
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
    .why =
        "\"KeyError: 'getpwuid(): uid not found: 1000660000'\" at import, under OpenShift, "
        "runAsUser or docker --user.",
    .fix = "Set USER in the container, or add the uid to /etc/passwd.",
    .source =
        "torch/_inductor/runtime/cache_dir_utils.py and codecache.py; CPython, Lib/getpass.py",
    .run = run,
};

}  // namespace gpuinit::checks
