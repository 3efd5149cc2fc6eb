// The known frameworks among the installed packages (rules/tables/known_frameworks.h), as facts.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/extensions/extension_loading.h"
#include "image/packages/wheel_libraries.h"
#include "ldso/library_search.h"
#include "ldso/loader_closure.h"
#include "rules/tables/known_frameworks.h"

namespace gpuinit::image {

// Their libraries are loaded as extensions are: after torch, where there is one, each with what
// its own Python code opens before it. That it is found where torch has loaded it already says
// nothing of a program that does not import torch.
class PythonFrameworks {
 public:
  // A library that is among the extensions is taken out of them, unless the policy names it.
  PythonFrameworks(const base::RootFs& fs, const ldso::LibrarySearch& libraries,
                   const std::vector<Package>& packages, FoundExtensions& extensions);

  bool empty() const { return frameworks_.empty(); }
  std::vector<Extension>& libraries() { return libraries_; }
  const NeededNames& needed() const { return needed_; }

  // Before the libraries are opened: what their Python code opens in NVIDIA's wheels.
  void open_wheels(ldso::LoaderClosure& closure, WheelLibraries& wheels) const;

  // After the libraries were opened in `closure`, and before their problems are found: what they
  // open by name.
  void open_by_name(ldso::LoaderClosure& closure, WheelLibraries& wheels);

  // `problem`: why nothing could be opened; empty: it was.
  std::vector<Framework> finish(const std::string& problem);

 private:
  void add(const rules::tables::KnownFramework& known, const Package& package,
           FoundExtensions& extensions);
  void read_code(Framework& framework, const std::string& path, Extension& library,
                 std::vector<std::string>& needed);

  const base::RootFs& fs_;
  const ldso::LibrarySearch& search_;
  // Of the same index.
  std::vector<Framework> frameworks_;
  std::vector<const rules::tables::KnownFramework*> known_;
  std::vector<Extension> libraries_;
  NeededNames needed_;
};

}  // namespace gpuinit::image
