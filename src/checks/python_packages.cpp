// python.packages: installed packages contradict what they require of each other.
//
// What is not installed at all is no contradiction (conda, NGC and Debian bring CUDA without
// nvidia-* packages), nor is what a requirement's text or marker leaves open.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "checks/check.h"
#include "checks/installed_packages.h"
#include "checks/words.h"

namespace gpuinit::checks {

namespace {

using rules::Answer;

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

std::string words(const Package& package) { return package.name + " " + package.version; }

// Packages that want another torch than the one that is there.
std::optional<Finding> other_torch(const Installed& installed) {
  const std::string torch = installed.version_of("torch");
  std::vector<Broken> broken;
  if (!torch.empty())
    for (const auto& [name, package] : installed.all())
      for (const auto& [from, requirement] : installed.requirements(*package))
        if (from == package && requirement.name == "torch" && name != "torch" &&
            fits(torch, requirement.specifiers) == Answer::kNo)
          broken.push_back({package, "torch" + requirement.specifiers});
  if (broken.empty()) return std::nullopt;

  const std::string public_version = torch.substr(0, torch.find('+'));
  std::string summary = words(*broken[0].package) + " requires " + broken[0].requirement +
                        ", and torch " + torch + " is installed";
  if (broken.size() > 1)
    summary += " (and " + std::to_string(broken.size() - 1) +
               (broken.size() == 2 ? " other package" : " other packages") + ")";
  Finding finding = failure(kExitImage, summary);
  std::string install;
  for (std::size_t i = 0; i < std::min(broken.size(), kShown); ++i) {
    const Package& package = *broken[i].package;
    finding.evidence.emplace_back(words(package),
                                  "requires " + broken[i].requirement + ", says " + package.path);
    install += " " + package.name;
  }
  if (broken.size() > kShown)
    finding.evidence.emplace_back("and more", std::to_string(broken.size() - kShown) + " packages");
  finding.why =
      "Compiled code of such a package fits the torch it was built with: with another its import "
      "can end with \"undefined symbol\", or its operators are missing (\"operator "
      "torchvision::nms "
      "does not exist\"). A later `pip install` often replaces torch alone.";
  finding.fix = "Let pip choose versions that fit, in one command: " + installed.pip() +
                " install --upgrade 'torch==" + public_version + "'" + install + ".";
  return finding;
}

// The CUDA libraries and the triton that torch was released with.
std::optional<Finding> torchs_own(const Installed& installed) {
  const Package* torch = installed.find("torch");
  if (torch == nullptr) return std::nullopt;
  std::vector<Broken> broken;
  std::string install;
  for (const auto& [from, requirement] : installed.requirements(*torch)) {
    const Package* other = installed.find(requirement.name);
    if (other == nullptr || requirement.name == "numpy" || requirement.name == "torch") continue;
    if (fits(other->version, requirement.specifiers) != Answer::kNo) continue;
    broken.push_back({from, requirement.name + requirement.specifiers, other});
    install += " '" + requirement.name + requirement.specifiers + "'";
  }
  if (broken.empty()) return std::nullopt;
  std::string summary = words(*broken[0].package) + " requires " + broken[0].requirement +
                        ", and " + broken[0].other->version + " is installed";
  if (broken.size() > 1) summary += " (and " + std::to_string(broken.size() - 1) + " more)";
  Finding finding = failure(kExitImage, summary);
  for (std::size_t i = 0; i < std::min(broken.size(), kShown); ++i)
    finding.evidence.emplace_back(words(*broken[i].other), "wanted " + broken[i].requirement +
                                                               ", found " + broken[i].other->path);
  finding.why =
      "torch was built and tested with exactly these. With others it may work, or end with "
      "\"undefined symbol\", CUDNN_STATUS_NOT_INITIALIZED, or a torch.compile that fails.";
  finding.fix = "If it was not meant: " + installed.pip() + " install" + install + ".";
  return finding;
}

// Two versions of one distribution in one directory: one of them is only half there.
Findings duplicates(const ImageFacts& image, const std::string& pip) {
  std::map<std::pair<std::string, std::string>, std::vector<const Package*>> by_place;
  for (const Package& package : *image.packages)
    by_place[{package.path.substr(0, package.path.rfind('/')), package.name}].push_back(&package);
  Findings findings;
  for (const auto& [place, packages] : by_place) {
    const std::string& name = place.second;
    const auto wants_torch = [](const Package* package) { return !package->requires_dist.empty(); };
    if (!is_stack(name) && std::none_of(packages.begin(), packages.end(), wants_torch)) continue;
    std::vector<std::string> versions;
    for (const Package* package : packages)
      if (std::find(versions.begin(), versions.end(), package->version) == versions.end())
        versions.push_back(package->version);
    if (versions.size() < 2) continue;
    Finding finding = failure(kExitImage, "more than one " + name + " is recorded in " +
                                              place.first + ": " + listed(versions));
    for (const Package* package : packages)
      finding.evidence.emplace_back(package->version, package->path);
    finding.why =
        "They share one directory, so at most one of them is whole. Interrupted upgrades and "
        "image layers that are copied over each other (COPY --from) look like this.";
    finding.fix = "Install it anew: " + pip + " uninstall -y " + name +
                  " until nothing of it is left, then " + pip + " install " + name +
                  " in the version that is wanted.";
    findings.push_back(std::move(finding));
  }
  return findings;
}

// A torch whose files are of another release than its metadata.
std::optional<Finding> overwritten(const ImageFacts& image, const std::string& pip) {
  if (!image.torch || !image.torch->version || !image.torch->metadata_version) return std::nullopt;
  const Torch& torch = *image.torch;
  auto files = rules::parse_python_version(*torch.version);
  auto metadata = rules::parse_python_version(*torch.metadata_version);
  if (!files || !metadata) return std::nullopt;
  files->local.clear();  // "2.8.0" from PyPI has "2.8.0+cu128" inside
  metadata->local.clear();
  if (*files == *metadata) return std::nullopt;
  Finding finding = failure(kExitImage, "torch's files are of " + *torch.version +
                                            ", its metadata of " + *torch.metadata_version);
  finding.evidence.emplace_back("torch/version.py", *torch.version);
  finding.evidence.emplace_back("metadata", *torch.metadata_version);
  finding.evidence.emplace_back("torch", torch.path);
  finding.why =
      "pip decides by the metadata what is installed and what fits. Interrupted upgrades and "
      "copied directories look like this, and files of both releases may be mixed.";
  finding.fix = pip + " install --force-reinstall --no-deps 'torch==" +
                torch.version->substr(0, torch.version->find('+')) + "'";
  return finding;
}

// What was compiled for NumPy 1, beside a NumPy 2.
std::optional<Finding> numpy_of_another_age(const ImageFacts& image, const Installed& installed) {
  const auto numpy = rules::parse_python_version(installed.version_of("numpy"));
  if (!numpy || numpy->release[0] < 2) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> old;
  const auto is_old = [](const Fact<std::string>& abi) { return abi && *abi == "1"; };
  if (image.torch && is_old(image.torch->numpy_abi)) old.emplace_back("torch", image.torch->path);
  if (image.extensions)
    for (const Extension& extension : *image.extensions)
      if (is_old(extension.numpy_abi)) old.emplace_back(extension.package, extension.path);
  if (old.empty()) return std::nullopt;
  const std::string version = installed.version_of("numpy");
  Finding finding = warning(
      old[0].first + " was compiled for NumPy 1, and NumPy " + version + " is installed" +
      (old.size() > 1 ? " (and " + std::to_string(old.size() - 1) + " more)" : std::string()));
  for (std::size_t i = 0; i < std::min(old.size(), kShown); ++i)
    finding.evidence.emplace_back("compiled for NumPy 1", old[i].second);
  if (const Package* package = installed.find("numpy"))
    finding.evidence.emplace_back("NumPy", package->path);
  finding.why =
      "\"A module that was compiled using NumPy 1.x cannot be run in NumPy 2 as it may crash\": "
      "torch then goes on without NumPy (\"Numpy is not available\" at tensor.numpy()), other "
      "modules fail to import.";
  finding.fix = installed.pip() + " install 'numpy<2', or a newer " + old[0].first + ".";
  return finding;
}

}  // namespace

Findings check_python_packages(const Context& context) {
  const ImageFacts& image = context.image;
  if (image.interpreter.is_absent()) return {skipped("no Python in the image")};
  if (!image.packages)
    return {unknown("the installed packages are not known" + because(image.packages.reason()))};
  if (context.explained_by("python.packages", "torch.install"))
    return {skipped("torch.install failed")};

  const Installed installed(image);
  Findings findings = duplicates(image, installed.pip());
  const bool two_torchs = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.summary.starts_with("more than one torch ");
  });
  const auto add = [&](std::optional<Finding> finding) {
    if (finding) findings.push_back(*std::move(finding));
  };
  if (!two_torchs) {
    auto mixed = overwritten(image, installed.pip());
    // Which torch the packages got cannot be told then.
    if (!mixed) {
      add(other_torch(installed));
      add(torchs_own(installed));
    }
    add(std::move(mixed));
  }
  add(numpy_of_another_age(image, installed));
  if (context.interpreter_is_guess())
    for (Finding& finding : findings)
      if (finding.severity == Severity::kFail)
        finding = only_warn(std::move(finding),
                            "the command could not be followed to its Python; set "
                            "python.interpreter in the policy to make this certain");
  return findings;
}

}  // namespace gpuinit::checks
