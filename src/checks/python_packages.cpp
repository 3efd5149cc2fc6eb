// python.packages: installed packages contradict what they require of each other.
//
// What is not installed at all is not a contradiction (conda, NGC and Debian bring CUDA without
// nvidia-* packages), nor is what a requirement's text or marker leaves open.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"

namespace gpuinit::checks {

namespace {

constexpr std::size_t kShown = 8;  // packages that a finding lists one by one

struct Broken {
  const Package* package;
  std::string requirement;         // "torch==2.5.1"
  const Package* other = nullptr;  // what is installed under that name; null: torch by its files
};

bool is_stack(const std::string& name) {
  return name == "torch" || name == "numpy" || name == "triton" || name.starts_with("nvidia-") ||
         name.starts_with("cuda-");
}

std::string words(const Package& package) { return joined({package.name, " ", package.version}); }

std::string and_more(std::size_t count) {
  return count > 1 ? joined({" (and ", std::to_string(count - 1), " more)"}) : "";
}

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
    add_evidence(finding, words(one.other != nullptr ? *one.other : *one.package), std::move(text));
  }
  return finding;
}

// Packages that want another torch than the one that is there.
void add_other_torch(const Installed& installed, const ImageFacts& image, Findings& findings) {
  const std::string torch = installed.version_of("torch");
  if (torch.empty()) return;
  std::vector<Broken> broken;
  std::string install;
  for (const Package& package : *image.packages) {
    // Only the first of a name is ever imported.
    if (package.requires_dist.empty() || installed.find(package.name) != &package) continue;
    for (const auto& [by, requirement] : installed.requirements(package)) {
      if (by != &package || requirement.name != "torch" || package.name == "torch" ||
          fits(torch, requirement.specifiers) != Tristate::kNo)
        continue;
      broken.push_back({&package, joined({"torch", requirement.specifiers})});
      install += " ";
      install += package.name;
    }
  }
  if (broken.empty()) return;
  Finding finding = broken_finding(broken, joined({"torch ", torch}));
  if (image.torch) add_evidence(finding, "torch", image.torch->path);
  finding.why =
      "Compiled code of such a package fits the torch it was built with: with another its import "
      "can end with \"undefined symbol\", or its operators are missing (\"operator "
      "torchvision::nms does not exist\"). A later `pip install` often replaces torch alone.";
  finding.fix =
      joined({"Let pip choose versions that fit, in one command: ", installed.pip(),
              " install --upgrade 'torch==", torch.substr(0, torch.find('+')), "'", install, "."});
  findings.push_back(std::move(finding));
}

// The CUDA libraries and the triton that torch was released with.
void add_torchs_own(const Installed& installed, Findings& findings) {
  const Package* torch = installed.find("torch");
  if (torch == nullptr) return;
  std::vector<Broken> broken;
  std::string install;
  for (const auto& [by, requirement] : installed.requirements(*torch)) {
    const Package* other = installed.find(requirement.name);
    if (other == nullptr || requirement.name == "numpy" || requirement.name == "torch" ||
        fits(other->version, requirement.specifiers) != Tristate::kNo)
      continue;
    broken.push_back({by, joined({requirement.name, requirement.specifiers}), other});
    install += joined({" '", broken.back().requirement, "'"});
  }
  if (broken.empty()) return;
  Finding finding = broken_finding(broken, broken.front().other->version);
  finding.why =
      "torch was built and tested with exactly these. With others it may work, or end with "
      "\"undefined symbol\", CUDNN_STATUS_NOT_INITIALIZED, or a torch.compile that fails.";
  finding.fix = joined({"If it was not meant: ", installed.pip(), " install", install, "."});
  findings.push_back(std::move(finding));
}

std::string_view directory_of(const Package& package) {
  return std::string_view(package.path).substr(0, package.path.rfind('/'));
}

// Two versions of one distribution in one directory: one of them is only half there. True if
// torch is among them.
bool add_duplicates(const Installed& installed, const ImageFacts& image, Findings& findings) {
  bool torch = false;
  const auto& packages = *image.packages;
  for (auto one = packages.begin(); one != packages.end(); ++one) {
    if (!is_stack(one->name) && one->requires_dist.empty()) continue;
    const auto same_place = [&](const Package& other) {
      return other.name == one->name && directory_of(other) == directory_of(*one);
    };
    if (std::any_of(packages.begin(), one, same_place)) continue;  // was seen from the first
    const auto other = std::find_if(one + 1, packages.end(), [&](const Package& later) {
      return same_place(later) && later.version != one->version;
    });
    if (other == packages.end()) continue;
    torch = torch || one->name == "torch";
    Finding finding =
        failure(kExitImage, joined({"more than one ", one->name, " is recorded in ",
                                    directory_of(*one), ": ", one->version, ", ", other->version}));
    add_evidence(finding, one->version, one->path);
    add_evidence(finding, other->version, other->path);
    finding.why =
        "They share one directory, so at most one of them is whole. Interrupted upgrades and image "
        "layers that are copied over each other (COPY --from) look like this.";
    finding.fix =
        joined({"Reinstall it: ", installed.pip(), " uninstall -y ", one->name,
                " until nothing of it is left, then install the version that is wanted."});
    findings.push_back(std::move(finding));
  }
  return torch;
}

// A torch whose files are of another release than its metadata.
bool add_overwritten(const Installed& installed, const ImageFacts& image, Findings& findings) {
  if (!image.torch || !image.torch->version || !image.torch->metadata_version) return false;
  const std::string& version = *image.torch->version;
  const std::string& recorded = *image.torch->metadata_version;
  auto files = rules::parse_python_version(version);
  auto metadata = rules::parse_python_version(recorded);
  if (!files || !metadata) return false;
  files->local.clear();  // "2.8.0" from PyPI has "2.8.0+cu128" inside
  metadata->local.clear();
  if (*files == *metadata) return false;
  Finding finding = failure(
      kExitImage, joined({"torch's files are of ", version, ", its metadata of ", recorded}));
  add_evidence(finding, "torch", image.torch->path);
  finding.why =
      "pip decides by the metadata what is installed and what fits. Interrupted upgrades and "
      "copied directories look like this, and files of both releases may be mixed.";
  finding.fix = joined({installed.pip(), " install --force-reinstall --no-deps 'torch==",
                        version.substr(0, version.find('+')), "'"});
  findings.push_back(std::move(finding));
  return true;
}

// What was compiled for NumPy 1, beside a NumPy 2.
void add_old_numpy(const Installed& installed, const ImageFacts& image, Findings& findings) {
  const std::string version = installed.version_of("numpy");
  const auto numpy = rules::parse_python_version(version);
  if (!numpy || numpy->release[0] < 2) return;
  std::string first;
  std::vector<std::string> old;
  const auto look_at = [&](const Fact<std::string>& abi, const std::string& name,
                           const std::string& path) {
    if (!abi || *abi != "1") return;
    if (old.empty()) first = name;
    old.push_back(path);
  };
  if (image.torch) look_at(image.torch->numpy_abi, "torch", image.torch->path);
  if (image.extensions)
    for (const Extension& extension : *image.extensions)
      look_at(extension.numpy_abi, extension.package, extension.path);
  if (old.empty()) return;
  Finding finding = warning(joined({first, " was compiled for NumPy 1, and NumPy ", version,
                                    " is installed", and_more(old.size())}));
  add_evidence(finding, "compiled for NumPy 1", listed(old, kShown));
  add_evidence(finding, "NumPy", installed.find("numpy")->path);
  finding.why =
      "\"A module that was compiled using NumPy 1.x cannot be run in NumPy 2 as it may crash\": "
      "torch then goes on without NumPy (\"Numpy is not available\" at tensor.numpy()), other "
      "modules fail to import.";
  finding.fix = joined({installed.pip(), " install 'numpy<2', or a newer ", first, "."});
  findings.push_back(std::move(finding));
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
  if (!add_duplicates(installed, image, findings) && !add_overwritten(installed, image, findings)) {
    add_other_torch(installed, image, findings);
    add_torchs_own(installed, findings);
  }
  add_old_numpy(installed, image, findings);
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
        "torch requires, two versions of one of them in one directory, files of torch of another "
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
        "Name everything in one `pip install`, torch with its version, and let pip choose the "
        "rest; or install from a lock file. `pip check` says the same as this check and more.",
    .source = "PEP 440, PEP 508; PyPA, Core metadata; NumPy, numpy/__multiarray_api.h",
    .run = run,
};

}  // namespace gpuinit::checks
