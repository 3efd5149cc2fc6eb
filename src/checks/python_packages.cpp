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
    add_evidence(finding, "package", words(one.other != nullptr ? *one.other : *one.package),
                 std::move(text));
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

// Before a requirement is parsed: most name numpy and torch alone.
bool may_be_library(const std::string& requirement) {
  return requirement.starts_with("nvidia") || requirement.starts_with("cuda") ||
         requirement.starts_with("triton");
}

// The CUDA libraries and the triton that a package was released with: torch, or any other.
void add_libraries(const Installed& installed, const ImageFacts& image, bool torchs,
                   Findings& findings) {
  std::vector<Broken> broken;
  std::string install;
  for (const Package& package : *image.packages) {
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
      broken.push_back({by, joined({requirement.name, requirement.specifiers}), other});
      install += joined({" '", broken.back().requirement, "'"});
    }
  }
  if (broken.empty()) return;
  Finding finding = broken_finding(broken, broken.front().other->version);
  finding.why =
      "It was built and tested with exactly these. With others it may work, or end with "
      "\"undefined symbol\", CUDNN_STATUS_NOT_INITIALIZED, or a torch.compile that fails.";
  finding.fix = joined({"If it was not meant: ", installed.pip(), " install", install, "."});
  findings.push_back(std::move(finding));
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
  add_evidence(finding, "torch", torch->path);
  finding.why =
      "`import torch` works. Without sympy every optimizer, `import torchvision` and "
      "torch.compile end with \"No module named 'sympy'\"; networkx and filelock are for "
      "torch.compile, fsspec for distributed checkpoints. `pip install --no-deps` leaves them out.";
  std::string install = joined({installed.pip(), " install"});
  for (const std::string& name : missing) install += joined({" ", name});
  finding.fix = std::move(install);
  // Only sympy is needed by what nearly every program does.
  findings.push_back(std::ranges::find(missing, "sympy") != missing.end()
                         ? std::move(finding)
                         : note(std::move(finding)));
}

// torchaudio refuses another CUDA than torch's: up to 2.11.0 another minor version as well.
// Source: torchaudio, _extension/utils.py.
void add_torchaudio(const Installed& installed, const ImageFacts& image, Findings& findings) {
  const Package* package = installed.find("torchaudio");
  if (package == nullptr || !image.torch || !image.torch->cuda) return;
  const auto at = package->version.find("+cu");
  const std::string& torchs = *image.torch->cuda;
  if (at == std::string::npos || package->version.size() < at + 6) return;
  std::string cuda = package->version.substr(at + 3);
  cuda.insert(2, 1, '.');
  const std::string release = package->version.substr(0, at);
  const bool minor = rules::satisfies_all(release, "<=2.11.0") == Tristate::kYes;
  if (minor ? torchs == cuda : torchs.starts_with(cuda.substr(0, 3))) return;
  Finding finding = failure(kExitImage, joined({"torchaudio ", release, " was compiled for CUDA ",
                                                cuda, ", and torch for CUDA ", torchs}));
  add_evidence(finding, "torchaudio", package->version, package->path);
  add_evidence(finding, "torch", image.torch->path);
  finding.why =
      "`import torchaudio` compares the two: \"Detected that PyTorch and TorchAudio were compiled "
      "with different CUDA versions\".";
  finding.fix = joined({installed.pip(),
                        " install --upgrade torchaudio (from 2.11.1 on the major "
                        "version decides), or one for CUDA ",
                        torchs, "."});
  findings.push_back(std::move(finding));
}

bool is_of_gpu(const ImageFacts& image, const Package& package, const std::string& file) {
  for (const std::string_view part : {"nvidia-", "cuda", "-cu1", "gpu"})
    if (package.name.find(part) != std::string::npos) return true;
  return image.extensions &&
         std::ranges::find(*image.extensions, file, &Extension::path) != image.extensions->end();
}

bool torch_requires(const Installed& installed, const std::string& name) {
  const Package* torch = installed.find("torch");
  return torch != nullptr &&
         std::ranges::any_of(installed.requirements(*torch),
                             [&](const auto& one) { return one.requirement.name == name; });
}

// Two packages that installed other files at the same place: the later one is there.
void add_contested(const Installed& installed, const ImageFacts& image, Findings& findings) {
  const auto has = [](const std::vector<std::string>& files, const std::string& file) {
    return std::ranges::find(files, file) != files.end();
  };
  const auto& packages = *image.packages;
  for (auto one = packages.begin(); one != packages.end(); ++one) {
    for (auto other = one + 1; other != packages.end() && !one->contested.empty(); ++other) {
      if (other->name == one->name) continue;  // two versions are told as such
      std::vector<std::string> files;
      bool gpu = false;
      for (const std::string& file : one->contested) {
        if (!has(other->contested, file)) continue;
        files.push_back(file);
        gpu = gpu || is_of_gpu(image, *one, file) || is_of_gpu(image, *other, file);
      }
      if (files.empty()) continue;
      // The first of which it is known whose it is now.
      const auto known = std::ranges::find_if(files, [&](const std::string& path) {
        return has(one->overwritten, path) != has(other->overwritten, path);
      });
      const std::string& file = known != files.end() ? *known : files.front();
      const bool ones = !has(one->overwritten, file);
      const bool others = !has(other->overwritten, file);
      Finding finding = warning(joined({words(*one), " and ", words(*other), " both own ",
                                        base::basename(file), and_more(files.size())}));
      finding.summary += ones == others
                             ? ", and whose is there is not known"
                             : joined({", and that of ", words(ones ? *one : *other), " is there"});
      add_evidence(finding, "both own", listed(files, 3));
      add_evidence(finding, "package", words(*one), one->path);
      add_evidence(finding, "package", words(*other), other->path);
      finding.why =
          "pip and uv write the second package over the first without a word. What was built for "
          "the other one gets this library: \"undefined symbol\", or a GPU that is silently not "
          "used.";
      finding.fix = joined({installed.pip(), " uninstall -y ", one->name, " ", other->name,
                            ", then let one install choose again, or take the one that is needed"});
      // The one that torch asks for, or that is for GPUs; else the choice is the reader's. Where
      // all of its files are there, what is needed works.
      bool works = false;
      for (const auto& package : {one, other}) {
        if (!package->name.ends_with("-gpu") && !torch_requires(installed, package->name)) continue;
        finding.fix += joined({": ", package->name, "==", package->version});
        const Package& loser = package == one ? *other : *one;
        works = works || std::ranges::all_of(files, [&](const std::string& path) {
                  return has(loser.overwritten, path) && !has(package->overwritten, path);
                });
      }
      findings.push_back(gpu && !works ? std::move(finding) : note(std::move(finding)));
    }
  }
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
    add_evidence(finding, "package", one->version, one->path);
    add_evidence(finding, "package", other->version, other->path);
    if (one->name == "torch" && image.torch && image.torch->version)
      add_evidence(finding, "its files are of", *image.torch->version);
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
    add_libraries(installed, image, true, findings);
    add_missing(installed, findings);
    add_torchaudio(installed, image, findings);
  }
  add_libraries(installed, image, false, findings);
  add_contested(installed, image, findings);
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
        "torch and others require, a torchaudio for another CUDA, what torch requires and imports "
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
        "Name everything in one `pip install`, torch with its version, and let pip choose the "
        "rest; or install from a lock file. `pip check` says the same as this check and more.",
    .source = "PEP 440, PEP 508; PyPA, Core metadata; NumPy, numpy/__multiarray_api.h",
    .run = run,
};

}  // namespace gpuinit::checks
