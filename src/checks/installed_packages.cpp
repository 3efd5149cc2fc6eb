#include "checks/installed_packages.h"

#include <algorithm>
#include <utility>

#include "base/python_name.h"
#include "base/text.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

Installed::Installed(const ImageFacts& image) : image_(image) {
  for (const Package& package : *image.packages) by_name_.push_back(&package);
  std::ranges::stable_sort(by_name_, {}, &Package::name);
  if (!image.interpreter) return;
  const Interpreter& python = *image.interpreter;
  markers_ = rules::linux_markers(python.version.value_or(""), python.machine.value_or(""));
  python_ = python.path;
}

std::string Installed::pip(std::string_view verb) const {
  if (!by_name_.empty() && find("pip") == nullptr)
    return joined({"uv pip ", verb, " --python ", python_});
  return joined({python_, " -m pip ", verb, verb == "uninstall" ? " -y" : ""});
}

std::string Installed::published_torch(const std::string& version) const {
  const auto parsed = rules::parse_python_version(version);
  if (!parsed || parsed->is_prerelease()) return "";
  // "2.8.0" from PyPI has "2.8.0+cu128" inside: its metadata says where it is from.
  const Package* torch = find("torch");
  const std::string& recorded = torch != nullptr ? torch->version : version;
  const auto plus = recorded.find('+');
  const std::string build = plus == std::string::npos ? "" : recorded.substr(plus + 1);
  const bool of_pytorch = build == "cpu" || (build.starts_with("cu") &&
                                             base::parse_number(build.substr(2)).has_value());
  if (!build.empty() && !of_pytorch) return "";
  return joined({"'torch==", version.substr(0, version.find('+')), "'",
                 build.empty() ? "" : " --extra-index-url https://download.pytorch.org/whl/",
                 build});
}

const Package* Installed::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(by_name_, name, {}, &Package::name);
  return found != by_name_.end() && (*found)->name == name ? *found : nullptr;
}

std::string Installed::version_of(std::string_view name) const {
  if (name == "torch" && image_.torch && image_.torch->version) return *image_.torch->version;
  const Package* package = find(name);
  return package == nullptr ? "" : package->version;
}

const std::vector<Installed::Parsed>& Installed::parsed(const Package& package) const {
  parsed_.resize(image_.packages->size());
  auto& known = parsed_[static_cast<std::size_t>(&package - image_.packages->data())];
  if (known) return *known;
  known.emplace();
  for (const std::string& text : package.requires_dist) {
    auto requirement = rules::parse_python_requirement(text);
    if (!requirement) continue;
    std::string marker = base::normalized_name(requirement->marker);
    const Tristate holds = rules::holds_marker(requirement->marker, markers_);
    known->push_back({*std::move(requirement), std::move(marker), holds});
  }
  return *known;
}

void Installed::add_requirements(const Package& package, const std::string& extra,
                                 std::vector<Wanted>& wanted) const {
  auto markers = markers_;
  markers["extra"] = extra;
  const std::string word = base::normalized_name(extra);
  // Whether `extra == "…"` may answer otherwise for this one.
  const auto hangs_on_it = [&](const Parsed& one) {
    return one.marker.find(word) != std::string::npos ||
           one.marker.find(" in ") != std::string::npos ||
           one.marker.find("\"\"") != std::string::npos ||
           one.marker.find("''") != std::string::npos;
  };
  for (const Parsed& one : parsed(package)) {
    const Tristate holds = extra.empty() || !hangs_on_it(one)
                               ? one.without_extra
                               : rules::holds_marker(one.requirement.marker, markers);
    if (holds != Tristate::kYes) continue;
    // Extras of extras are not followed: what they would bring is not said then.
    if (const Package* other = find(one.requirement.name); other != nullptr && extra.empty())
      for (const auto name : base::split(one.requirement.extras, ','))
        if (!base::trim(name).empty())
          add_requirements(*other, std::string(base::trim(name)), wanted);
    wanted.push_back({&package, one.requirement});
  }
}

const std::vector<Installed::Wanted>& Installed::requirements(const Package& package,
                                                              const std::string& extra) const {
  if (!extra.empty()) {
    of_extra_.clear();
    add_requirements(package, extra, of_extra_);
    return of_extra_;
  }
  wanted_.resize(image_.packages->size());
  auto& known = wanted_[static_cast<std::size_t>(&package - image_.packages->data())];
  if (!known) add_requirements(package, extra, known.emplace());
  return *known;
}

std::string torch_again(const ImageFacts& image) {
  if (!image.packages || !image.torch || !image.torch->metadata_version || !image.torch->version)
    return "";
  const Installed installed(image);
  const std::string torch = installed.published_torch(*image.torch->version);
  if (torch.empty()) return "";
  return joined({"`", installed.pip("install"), " --force-reinstall --no-deps ", torch, "`"});
}

std::string torch_from_index(const ImageFacts& image, std::string_view build) {
  if (!image.packages) return joined({"a build of PyTorch's own for ", build});
  return joined({"`", Installed(image).pip("install"),
                 " --force-reinstall torch --index-url https://download.pytorch.org/whl/", build,
                 "`"});
}

Tristate fits(const std::string& version, const std::string& specifiers) {
  const Tristate answer = rules::satisfies_all(version, specifiers);
  const auto parsed = rules::parse_python_version(version);
  if (answer != Tristate::kNo || !parsed || !parsed->is_prerelease()) return answer;
  std::string release = std::to_string(parsed->epoch) + "!";
  for (std::size_t i = 0; i < parsed->release.size(); ++i)
    release += (i > 0 ? "." : "") + std::to_string(parsed->release[i]);
  return either(answer, rules::satisfies_all(release, specifiers));
}

}  // namespace gpuinit::checks
