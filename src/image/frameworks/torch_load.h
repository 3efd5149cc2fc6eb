// What `import torch` has the loader load, in torch's own order: libtorch_global_deps.so with
// its symbols for everybody, what torch/__init__.py preloads from sys.path, then torch/_C.
//
// What other modules have loaded before torch (numpy, a sitecustomize) is not known here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "ldso/library_search.h"
#include "ldso/loader_closure.h"

namespace gpuinit::image {

struct TorchLoadQuery {
  const base::RootFs& fs;
  const ldso::LibrarySearch& search;
  const base::Environment& environment;
  const std::string& python;     // the program that will run
  const std::string& package;    // the torch directory
  const std::string& extension;  // file name of its `_C.*.so`. Empty if it has no such file
  const std::vector<std::string>& sys_path;
  const std::string& cuda;  // torch's CUDA version. Empty if not known or not a CUDA build
};

// CudaRuntime::found_by and LoadedLibrary::found_by of a preload.
inline constexpr char kTorchPreload[] = "torch's preload from sys.path";

struct TorchLoad {
  // nullopt if nothing can be said about what is loaded, because of `unknown_because`.
  std::optional<ldso::LoaderClosure> closure;
  std::string unknown_because;

  std::size_t objects = 0;  // of the closure, with torch; what is opened later comes after these
  std::vector<std::size_t> preloaded;  // objects that torch opened from sys.path
  // The preload that torch gives up at, as "libcublas.so.*[0-9]". Empty if it finds them all.
  std::string failed_preload;
  // What could not be opened at all: a path and why.
  std::vector<MissingLibrary> not_opened;
  // torch/__init__.py asks for torch/lib/libtorch_global_deps.so, and it is not there.
  bool lacks_global_deps = false;
  // Something could not be opened for a reason of our own, so that what is missing says
  // nothing. Empty otherwise.
  std::string problem;
};

// `fs` and `search` must outlive the result.
TorchLoad load_program(const base::RootFs& fs, const ldso::LibrarySearch& search,
                       const base::Environment& environment, const std::string& python);
TorchLoad load_torch(const TorchLoadQuery& query);

// "/a/torch/lib/../../nvidia/x.so" → "/a/nvidia/x.so", unless a symlink on the way makes that
// another file.
std::string tidy_path(const base::RootFs& fs, const std::string& path);

}  // namespace gpuinit::image
