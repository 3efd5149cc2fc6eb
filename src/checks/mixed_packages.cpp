#include "checks/mixed_packages.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/root_fs.h"
#include "checks/finding_builder.h"
#include "rules/python_version.h"

namespace gpuinit::checks {

namespace {

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

std::string_view directory_of(const Package& package) {
  return std::string_view(package.path).substr(0, package.path.rfind('/'));
}

}  // namespace

bool is_stack(const std::string& name) {
  return name == "torch" || name == "numpy" || name == "triton" || name.starts_with("nvidia-") ||
         name.starts_with("cuda-");
}

std::string words(const Package& package) { return joined({package.name, " ", package.version}); }

std::string and_more(std::size_t count) {
  return count > 1 ? joined({" (and ", std::to_string(count - 1), " more)"}) : "";
}

void add_contested(const Installed& installed, const ImageFacts& image, Findings& findings) {
  const auto has = [](const std::vector<std::string>& files, const std::string& file) {
    return std::ranges::find(files, file) != files.end();
  };
  std::vector<const Package*> packages;  // of hundreds, those few that share a file
  for (const Package& package : *image.packages)
    if (!package.contested.empty()) packages.push_back(&package);
  for (std::size_t i = 0; i < packages.size(); ++i) {
    for (std::size_t j = i + 1; j < packages.size(); ++j) {
      const Package* const one = packages[i];
      const Package* const other = packages[j];
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
                             ? ", and it is not known whose is there"
                             : joined({", and that of ", words(ones ? *one : *other), " is there"});
      finding.about = {joined({one->name, "/", other->name})};
      add_evidence(finding, "both own", listed(files, 3));
      add_evidence(finding, "package", words(*one), one->path);
      add_evidence(finding, "package", words(*other), other->path);
      finding.why =
          "pip and uv write the second package over the first without a word. What was built for "
          "the other one gets this library: \"undefined symbol\", or a GPU that is silently not "
          "used.";
      std::string wanted;
      // The one that torch asks for, or that is for GPUs; else the choice is the reader's. Where
      // all of its files are there, what is needed works.
      bool works = false;
      for (const Package* package : {one, other}) {
        if (!package->name.ends_with("-gpu") && !torch_requires(installed, package->name)) continue;
        wanted += joined({" '", package->name,
                          "==", package->version.substr(0, package->version.find('+')), "'"});
        const Package& loser = package == one ? *other : *one;
        works = works || std::ranges::all_of(files, [&](const std::string& path) {
                  return has(loser.overwritten, path) && !has(package->overwritten, path);
                });
      }
      finding.fix = joined({"`", installed.pip("uninstall"), " ", one->name, " ", other->name});
      finding.fix += wanted.empty()
                         ? "`, then install the one that is needed."
                         : joined({" && ", installed.pip("install"), " --no-deps", wanted, "`."});
      findings.push_back(gpu && !works ? std::move(finding) : note(std::move(finding)));
    }
  }
}

bool add_duplicates(const ImageFacts& image, Findings& findings) {
  bool torch = false;
  struct Place {
    const Package* first;
    bool told = false;
  };
  std::map<std::pair<std::string_view, std::string_view>, Place> places;
  for (const Package& package : *image.packages) {
    const auto [found, is_new] =
        places.try_emplace({directory_of(package), package.name}, Place{&package});
    Place& place = found->second;
    const Package* const one = place.first;
    const Package* const other = &package;
    if (is_new || place.told || other->version == one->version ||
        (!is_stack(one->name) && one->requires_dist.empty()))
      continue;
    place.told = true;
    torch = torch || one->name == "torch";
    Finding finding =
        failure(kExitImage, joined({"more than one ", one->name, " is recorded in ",
                                    directory_of(*one), ": ", one->version, ", ", other->version}));
    finding.about = {one->name};
    add_evidence(finding, "package", one->version, one->path);
    add_evidence(finding, "package", other->version, other->path);
    if (one->name == "torch" && image.torch && image.torch->version)
      add_evidence(finding, "its files are of", *image.torch->version);
    finding.why =
        "They share one directory, so at most one of them is whole. Interrupted upgrades and image "
        "layers that are copied over each other (COPY --from) look like this.";
    // Of torch the files say which of the two is the one that was left behind.
    const std::string again = one->name == "torch" ? torch_again(image) : "";
    const std::string release =
        again.empty() ? "" : image.torch->version->substr(0, image.torch->version->find('+'));
    const Package* left = nullptr;
    if (one->version == release) left = other;
    if (other->version == release) left = one;
    finding.fix = left == nullptr
                      ? joined({"Remove both from ", directory_of(*one),
                                ", files and metadata, and install the version that is wanted."})
                      : joined({"`rm -r ", left->path, "`, then ", again, "."});
    findings.push_back(std::move(finding));
  }
  return torch;
}

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
  finding.about = {"torch"};
  add_evidence(finding, "torch", image.torch->path);
  finding.why =
      "pip decides by the metadata what is installed and what fits. Interrupted upgrades and "
      "copied directories look like this, and files of both releases may be mixed.";
  const std::string published = installed.published_torch(version);
  finding.fix = published.empty()
                    ? "Install torch again: remove both, then the build that is wanted."
                    : joined({"`", installed.pip("install"), " --force-reinstall --no-deps ",
                              published, "`."});
  findings.push_back(std::move(finding));
  return true;
}

void add_old_numpy(const Context& context, const Installed& installed, Findings& findings) {
  const ImageFacts& image = context.image;
  const std::string version = installed.version_of("numpy");
  const auto numpy = rules::parse_python_version(version);
  if (!numpy || numpy->release[0] < 2) return;
  std::vector<std::pair<std::string, std::string>> old[2];  // name, path; the second is accepted
  const auto look_at = [&](const Fact<std::string>& abi, const std::string& name,
                           const std::string& path) {
    if (abi && *abi == "1") old[context.accepts(name + "/numpy") ? 1 : 0].emplace_back(name, path);
  };
  if (image.torch) look_at(image.torch->numpy_abi, "torch", image.torch->path);
  if (image.extensions)
    for (const Extension& extension : *image.extensions)
      look_at(extension.numpy_abi, extension.package, extension.path);
  for (const auto& some : old) {
    if (some.empty()) continue;
    const std::string& first = some.front().first;
    Finding finding = warning(joined({first, " was compiled for NumPy 1, and NumPy ", version,
                                      " is installed", and_more(some.size())}));
    std::vector<std::string> paths;
    for (const auto& [name, path] : some) {
      finding.about.push_back(name + "/numpy");
      paths.push_back(path);
    }
    add_evidence(finding, "compiled for NumPy 1", listed(paths, 8));
    add_evidence(finding, "NumPy", installed.find("numpy")->path);
    finding.why =
        "\"A module that was compiled using NumPy 1.x cannot be run in NumPy 2 as it may crash\": "
        "torch then goes on without NumPy (\"Numpy is not available\" at tensor.numpy()), other "
        "modules fail to import.";
    finding.fix =
        joined({"`", installed.pip("install"), " 'numpy<2'`, or install a newer ", first, "."});
    findings.push_back(std::move(finding));
  }
}

}  // namespace gpuinit::checks
