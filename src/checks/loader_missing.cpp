// loader.missing: every library that the interpreter and torch need is found.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/evidence.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

constexpr std::size_t kShown = 4;

// torch's own libraries: torch.install has said it.
bool is_of_torch(const MissingLibrary& missing) {
  return missing.name.starts_with("libtorch") || missing.name.starts_with("libc10") ||
         missing.name.starts_with("libshm") || missing.name.starts_with("_C.");
}

std::vector<MissingLibrary> of_image(const Context& context) {
  std::vector<MissingLibrary> missing = context.image.loader->problems.missing;
  const bool torch_told = context.explained_by("loader.missing", "torch.install");
  std::erase_if(missing, [&](const MissingLibrary& one) {
    return one.of_driver || (torch_told && is_of_torch(one));
  });
  return missing;
}

std::string fix(const Context& context, const MissingLibrary& first) {
  if (!first.elsewhere.empty()) {
    const std::string directory(base::parent(first.elsewhere.front()));
    if (is_of_cuda(first.name))
      return "It lies in " + directory +
             ", where neither torch nor the loader looks: install torch and the nvidia-* packages "
             "into one site-packages (one pip command), or set LD_LIBRARY_PATH=" +
             directory + ".";
    return "It lies in " + directory + ": set LD_LIBRARY_PATH=" + directory +
           ", or name the directory in /etc/ld.so.conf.d and run ldconfig.";
  }
  if (std::string install = how_to_install(context, first.name); !install.empty()) return install;
  if (first.name.starts_with("libpython"))
    return "The interpreter was copied without its library: copy its whole prefix, or set "
           "LD_LIBRARY_PATH (or run ldconfig) for the directory that has it.";
  return "Install the package that has it, or take what needs it out of the image.";
}

}  // namespace

Findings check_loader_missing(const Context& context) {
  if (auto finding = loader_not_judged(context, "loader.missing")) return {*std::move(finding)};
  const std::vector<MissingLibrary> missing = of_image(context);
  if (missing.empty()) return {};

  const MissingLibrary& first = missing.front();
  const auto& python = *context.image.interpreter;
  const bool of_python = first.needed_by == python.path || first.needed_by == python.real_path;
  const bool is_there = first.reason.starts_with('/');
  std::string summary = first.name;
  summary += is_there ? " cannot be loaded, and " : " is not found, and ";
  summary += of_python ? "the interpreter" : short_path(context, first.needed_by);
  summary += " needs it";
  if (missing.size() > 1)
    summary += " (and " + std::to_string(missing.size() - 1) +
               (missing.size() == 2 ? " more library)" : " more libraries)");
  Finding finding = failure(kExitImage, std::move(summary));
  for (std::size_t i = 0; i < std::min(missing.size(), kShown); ++i) {
    note(finding, missing[i].name, "needed by " + missing[i].needed_by);
    note(finding, "loader", missing[i].reason);
    if (!missing[i].elsewhere.empty())
      note(finding, "not looked at", listed(missing[i].elsewhere, 3));
  }
  for (const std::string& one : context.image.loader->notes)
    if (one.starts_with("torch's preload")) note(finding, "torch", one);
  add_variables(finding, context, {"LD_LIBRARY_PATH"});
  finding.why =
      of_python ? "Python would not start: \"error while loading shared libraries: " + first.name +
                      ": cannot open shared object file\"."
                : "`import torch` would end with \"" + first.name +
                      ": cannot open shared object file: No such file or directory\".";
  finding.fix = fix(context, first);
  return judged_by_interpreter(context, {std::move(finding)});
}

}  // namespace gpuinit::checks
