// The libcudart that torch will get, and which CUDA release it is.
//
// The first libcudart that is loaded: what asks for that name later gets it too.
#pragma once

#include <string>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/frameworks/torch_load.h"

namespace gpuinit::image {

// For a CUDA build of torch. Absent: a library asks for it and the loader does
// not find it. Unknown: no library asks for it (it may be linked in statically).
Fact<CudaRuntime> find_cuda_runtime(const base::RootFs& fs, const TorchLoad& load);

// Version and where it is from: the real file name ("libcudart.so.12.4.127"), the
// dist-info of the nvidia-cuda-runtime wheel that owns the file, the toolkit's
// version.json. The SONAME does not say which release: "libcudart.so.11.0" is all of CUDA 11.
void read_runtime_version(const base::RootFs& fs, const std::string& real_path,
                          CudaRuntime& runtime);

}  // namespace gpuinit::image
