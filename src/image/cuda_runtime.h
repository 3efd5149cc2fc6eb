// The libcudart that torch will get, and which CUDA release it is.
//
// As `import torch` loads it: libtorch_global_deps.so by the loader's rules; if
// those find none, torch preloads nvidia/*/lib/libcudart.so.* from sys.path.
// Source: PyTorch, torch/__init__.py _load_global_deps(), _preload_cuda_deps().
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "binary/library_search.h"
#include "gpuinit/facts.h"
#include "image/torch_libraries.h"

namespace gpuinit::image {

struct CudaRuntimeQuery {
  const base::RootFs& fs;
  const binary::LibrarySearch& search;
  const TorchLibraries& libraries;
  const std::string& package;  // the torch directory
  const std::vector<std::string>& sys_path;
  const std::string& python_rpath;
};

// For a CUDA build of torch. Absent: the library that is asked for is nowhere to be
// found. Unknown: none is asked for (it may be linked in statically).
Fact<CudaRuntime> find_cuda_runtime(const CudaRuntimeQuery& query);

// Version and where it is from: the real file name ("libcudart.so.12.4.127"), the
// dist-info of the nvidia-cuda-runtime wheel that owns the file, the toolkit's
// version.json. The SONAME tells no release: "libcudart.so.11.0" is all of CUDA 11.
void read_runtime_version(const base::RootFs& fs, const std::string& real_path,
                          CudaRuntime& runtime);

}  // namespace gpuinit::image
