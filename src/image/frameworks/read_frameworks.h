// The readers of this folder: torch, the CUDA that it gets, and what the loader does for both,
// as facts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/frameworks/torch_load.h"
#include "image/packages/wheel_libraries.h"
#include "image/python/read_interpreter.h"
#include "ldso/library_search.h"
#include "ldso/symbol_check.h"
#include "ldso/version_check.h"

namespace gpuinit::image {

struct TorchQuery {
  const base::RootFs& fs;
  const ldso::LibrarySearch& libraries;
  const ReadInterpreter& python;
  const base::Environment& environment;
  const std::function<void()>& cuda_is_known;  // ImageQuery's
};

struct ReadTorch {
  Fact<Torch> torch;
  Fact<CudaRuntime> cuda_runtime;
  TorchLoad load;  // the interpreter with torch, or alone if there is no torch
};

// The torch that the command imports.
ReadTorch read_torch(const TorchQuery& query);

// The libcudart that a CUDA build of torch will get: the first that is loaded, because what
// asks for that name later gets it too. Absent: a library asks for it and the loader does
// not find it. Unknown: no library asks for it (it may be linked in statically).
Fact<CudaRuntime> find_cuda_runtime(const base::RootFs& fs, const TorchLoad& load);

// Version and where it is from: the real file name ("libcudart.so.12.4.127"), the
// dist-info of the nvidia-cuda-runtime wheel that owns the file, the toolkit's
// version.json. The SONAME does not say which release: "libcudart.so.11.0" is all of CUDA 11.
void read_runtime_version(const base::RootFs& fs, const std::string& real_path,
                          CudaRuntime& runtime);

struct LoaderQuery {
  const base::RootFs& fs;
  const TorchLoad& load;               // with a closure, in which more may have been opened since
  const ldso::VersionCheck& versions;  // of that closure
  ldso::SymbolCheck& symbols;          // of that closure
  WheelLibraries& wheels;              // of sys.path
  const std::string& prefix;           // sys.prefix; empty if it is not known
};

// What the loader does for the interpreter and `import torch`.
LoaderFacts read_loader(const LoaderQuery& query);

// The forward-compatibility drivers that the image brings, in use or not: every libcuda.so.1
// in /usr/local/cuda*/compat and in its lib.real and lib (where NGC images keep it), each file
// once, those of /usr/local/cuda first. Unknown: /usr/local cannot be read.
// Source: NVIDIA CUDA Compatibility, "Forward Compatibility" (the package's place); NVIDIA
// container toolkit, cmd/nvidia-cdi-hook/cudacompat (/usr/local/cuda/compat).
Fact<std::vector<CompatLibrary>> read_compat_libraries(const base::RootFs& fs);

}  // namespace gpuinit::image
