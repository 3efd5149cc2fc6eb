// The installed distributions as the checks ask for them: by name, and what they require.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/image_facts.h"
#include "rules/python_requirement.h"

namespace gpuinit::checks {

class Installed {
 public:
  // Requires: image.packages is known; `image` outlives it.
  explicit Installed(const ImageFacts& image);

  // The first of that name on sys.path, which is the one that Python finds. Null if there is none.
  const Package* find(std::string_view name) const;

  // Empty if it is not there. For torch, what its own files say: that is what runs.
  std::string version_of(std::string_view name) const;

  struct Wanted {
    const Package* by;
    rules::PythonRequirement requirement;
  };
  // The requirements of `package` whose markers hold here, and those that the extras it asks
  // for bring in ("cuda-toolkit[cublas]"). What is not certain is left out. With `extra`, those
  // of that extra too.
  const std::vector<Wanted>& requirements(const Package& package,
                                          const std::string& extra = "") const;

  // What has pip do `verb`, "install" or "uninstall", for this Python, to be typed with what comes
  // behind it: "/opt/venv/bin/python -m pip install". Where that Python has no pip, as in an
  // environment that uv made, with uv.
  std::string pip(std::string_view verb) const;

  // `'torch==2.8.0'`, as pip takes it, of a release that PyPI has; with PyTorch's own index where
  // its torch came from there. Empty if neither has it: a pre-release, a nightly, a build of a
  // distribution or a vendor.
  std::string published_torch(const std::string& version) const;

 private:
  struct Parsed {
    rules::PythonRequirement requirement;
    std::string marker;  // as a normalised name: an extra that is not in it changes nothing
    Tristate without_extra;
  };
  // Of one package, once: some have 50 extras, and are asked for 20 of them.
  const std::vector<Parsed>& parsed(const Package& package) const;
  void add_requirements(const Package& package, const std::string& extra,
                        std::vector<Wanted>& wanted) const;

  const ImageFacts& image_;
  std::vector<const Package*> by_name_;  // those of one name as they stand on sys.path
  rules::MarkerVariables markers_;
  mutable std::vector<std::optional<std::vector<Parsed>>> parsed_;  // as image.packages
  mutable std::vector<std::optional<std::vector<Wanted>>> wanted_;  // the same; without extra
  mutable std::vector<Wanted> of_extra_;                            // of the last one asked for
  std::string python_ = "python";
};

// "`pip install … 'torch==2.8.0'`", the release that is there, whole and for this Python. Empty
// if no index has it.
std::string torch_again(const ImageFacts& image);

// "pip install … torch" of PyTorch's own index for `build`, "cu126", in place of the torch that is
// there.
std::string torch_from_index(const ImageFacts& image, std::string_view build);

// Whether `version` serves where `specifiers` are asked for. A nightly or a vendor's build,
// 2.6.0a0+….nv25.01, is meant to serve as its release.
Tristate fits(const std::string& version, const std::string& specifiers);

}  // namespace gpuinit::checks
