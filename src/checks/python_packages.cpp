// python.packages: installed packages contradict what they require of each other.
//
// What is not installed at all is not a contradiction (conda, NGC and Debian bring CUDA without
// nvidia-* packages), nor is what a requirement's text or marker leaves open.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "checks/mixed_packages.h"

namespace gpuinit::checks {

namespace {

constexpr std::size_t kShown = 8;  // packages that a finding lists one by one

struct Broken {
  const Package* package;
  std::string requirement;         // "torch==2.5.1"
  const Package* other = nullptr;  // what is installed under that name; null: torch by its files
  std::string about;               // "torchvision/torch"
  std::string install;             // what to name to pip
};

// One finding for all that is broken in the same way.
Finding broken_finding(const std::vector<Broken>& broken, const std::string& there) {
  const Broken& first = broken.front();
  Finding finding =
      failure(kExitImage, joined({words(*first.package), " requires ", first.requirement, ", and ",
                                  there, " is installed", and_more(broken.size())}));
  for (std::size_t i = 0; i < std::min(broken.size(), kShown); ++i) {
    const Broken& one = broken[i];
    std::string text = joined({"requires ", one.requirement, ", says ", one.package->path});
    if (one.other != nullptr)
      text = joined({"wanted ", one.requirement, ", found ", one.other->path});
    add_evidence(finding, "package", words(one.other != nullptr ? *one.other : *one.package),
                 std::move(text));
  }
  for (const Broken& one : broken) finding.about.push_back(one.about);
  return finding;
}

std::string all_to_install(const std::vector<Broken>& broken) {
  std::string text;
  for (const Broken& one : broken) text += joined({" ", one.install});
  return text;
}

// What the policy accepts is a finding of its own.
template <class Make>
void add_broken(const Context& context, std::vector<Broken> broken, Findings& findings,
                const Make& finding_of) {
  const auto accepted = std::stable_partition(
      broken.begin(), broken.end(), [&](const Broken& one) { return !context.accepts(one.about); });
  const std::vector<Broken> rest(accepted, broken.end());
  broken.erase(accepted, broken.end());
  for (const auto* some : {&std::as_const(broken), &rest})
    if (!some->empty()) findings.push_back(finding_of(*some));
}

// Packages that want another torch than the one that is there.
void add_other_torch(const Installed& installed, const Context& context, Findings& findings) {
  const ImageFacts& image = context.image;
  const std::string torch = installed.version_of("torch");
  if (torch.empty()) return;
  std::vector<Broken> broken;
  for (const Package& package : *image.packages) {
    // Only the first of a name is ever imported.
    if (package.requires_dist.empty() || installed.find(package.name) != &package) continue;
    for (const auto& [by, requirement] : installed.requirements(package)) {
      if (by != &package || requirement.name != "torch" || package.name == "torch" ||
          fits(torch, requirement.specifiers) != Tristate::kNo)
        continue;
      broken.push_back({&package, joined({"torch", requirement.specifiers}), nullptr,
                        joined({package.name, "/torch"}), package.name});
    }
  }
  add_broken(context, std::move(broken), findings, [&](const std::vector<Broken>& some) {
    Finding finding = broken_finding(some, joined({"torch ", torch}));
    if (image.torch) add_evidence(finding, "torch", image.torch->path);
    finding.why =
        "Compiled code of such a package fits the torch it was built with: with another its import "
        "can end with \"undefined symbol\", or its operators are missing (\"operator "
        "torchvision::nms does not exist\"). A later `pip install` often replaces torch alone.";
    const std::string published = installed.published_torch(torch);
    finding.fix =
        published.empty()
            ? joined({"No index has this torch: take what was built for it from where it came from "
                      "(a distribution's own packages, NVIDIA's image), or take torch from PyPI as "
                      "well."})
            : joined({"Let pip choose versions that fit: `", installed.pip("install"),
                      " --upgrade ", published, all_to_install(some), "`."});
    return finding;
  });
}

// Before a requirement is parsed: most name numpy and torch alone.
bool may_be_library(const std::string& requirement) {
  return requirement.starts_with("nvidia") || requirement.starts_with("cuda") ||
         requirement.starts_with("triton");
}

// The CUDA libraries and the triton that a package was released with: torch, or any other.
void add_libraries(const Installed& installed, const Context& context, bool torchs,
                   Findings& findings) {
  std::vector<Broken> broken;
  for (const Package& package : *context.image.packages) {
    if ((package.name == "torch") != torchs ||
        std::ranges::none_of(package.requires_dist, may_be_library) ||
        installed.find(package.name) != &package)
      continue;
    // `pip install jax[cuda12]` asks for this extra of its plugin, which compares versions itself.
    const char* extra = package.name.starts_with("jax-cuda") ? "with-cuda" : "";
    for (const auto& [by, requirement] : installed.requirements(package, extra)) {
      const Package* other = installed.find(requirement.name);
      if (other == nullptr || requirement.name == "numpy" || requirement.name == "torch" ||
          !is_stack(requirement.name) || (!torchs && by != &package) ||
          fits(other->version, requirement.specifiers) != Tristate::kNo)
        continue;
      const std::string wanted = joined({requirement.name, requirement.specifiers});
      broken.push_back({by, wanted, other, joined({by->name, "/", requirement.name}),
                        joined({"'", wanted, "'"})});
    }
  }
  add_broken(context, std::move(broken), findings, [&](const std::vector<Broken>& some) {
    Finding finding = broken_finding(some, some.front().other->version);
    finding.why =
        "It was built and tested with exactly these. With others it may work, or end with "
        "\"undefined symbol\", CUDNN_STATUS_NOT_INITIALIZED, or a torch.compile that fails.";
    finding.fix =
        joined({"If it was not meant: `", installed.pip("install"), all_to_install(some), "`."});
    return finding;
  });
}

// What torch requires and imports only later: by what fails then. Source: torch 2.6 to 2.15,
// imported without each of them.
void add_missing(const Installed& installed, Findings& findings) {
  const Package* torch = installed.find("torch");
  if (torch == nullptr) return;
  std::vector<std::string> missing;
  for (const auto& [by, requirement] : installed.requirements(*torch))
    for (const std::string_view name : {"sympy", "filelock", "fsspec", "networkx"})
      if (by == torch && requirement.name == name && installed.find(name) == nullptr)
        missing.emplace_back(name);
  if (missing.empty()) return;
  Finding finding =
      warning(joined({words(*torch), " requires what is not installed: ", listed(missing)}));
  for (const std::string& name : missing) finding.about.push_back(joined({"torch/", name}));
  add_evidence(finding, "torch", torch->path);
  finding.why =
      "`import torch` works. Without sympy every optimizer, `import torchvision` and "
      "torch.compile end with \"No module named 'sympy'\"; networkx and filelock are for "
      "torch.compile, fsspec for distributed checkpoints. `pip install --no-deps` leaves them out.";
  std::string install = joined({"`", installed.pip("install")});
  for (const std::string& name : missing) install += joined({" ", name});
  finding.fix = joined({install, "`."});
  // Only sympy is needed by what nearly every program does.
  findings.push_back(std::ranges::find(missing, "sympy") != missing.end()
                         ? std::move(finding)
                         : note(std::move(finding)));
}

Findings run(const Context& context) {
  const ImageFacts& image = context.image;
  if (image.interpreter.is_absent()) return skipped("no Python in the image");
  if (!image.packages)
    return unknown("the installed packages are not known", image.packages.reason());
  if (auto skip = context.skip_if_failed("torch.install")) return skip;

  const Installed installed(image);
  Findings findings;
  // Where two are mixed, it is not known which torch the packages got.
  if (!add_duplicates(image, findings) && !add_overwritten(installed, image, findings)) {
    add_other_torch(installed, context, findings);
    add_libraries(installed, context, true, findings);
    add_missing(installed, findings);
  }
  add_libraries(installed, context, false, findings);
  add_contested(installed, image, findings);
  add_old_numpy(context, installed, findings);
  return findings;
}

}  // namespace

extern constexpr Check kPythonPackages{
    .id = "python.packages",
    .level = Level::kWarn,
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "installed packages contradict what they require of each other",
    .looks_at =
        "The metadata of what is installed on sys.path (dist-info, egg-info): packages that "
        "require another torch than is there, the versions of nvidia-*, cuda-* and triton that "
        "torch and others require, what torch requires and imports "
        "later (sympy), a library that two packages own by their RECORDs with other hashes (only "
        "--verbose tells of those that have nothing to do with GPUs), two versions of one of them "
        "in one directory, files of torch of another "
        "release than its metadata, and NumPy 2 beside a torch or an extension that was compiled "
        "for NumPy 1 (its headers compile in the name of the module that they import). Packages "
        "that are not installed say nothing: conda, NGC and Debian bring CUDA without nvidia-* "
        "packages. A nightly or vendor's build, 2.6.0a0+..., counts as its release as well.",
    .why =
        "Each `pip install` may replace what an earlier one chose. Compiled code fits the torch it "
        "was built with: \"undefined symbol\", \"operator torchvision::nms does not exist\", \"A "
        "module that was compiled using NumPy 1.x cannot be run in NumPy 2\". Much of it works "
        "anyway, which is why this only warns.",
    .fix =
        "Name everything in one call of pip, torch with its version, and let it choose the "
        "rest; or install from a lock file. `pip check` says the same as this check and more.",
    .source = "PEP 440, PEP 508; PyPA, Core metadata; NumPy, numpy/__multiarray_api.h",
    .run = run,
};

}  // namespace gpuinit::checks
