// Everything about the torch that the command imports, as facts.
#pragma once

#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/frameworks/torch_load.h"
#include "image/python/read_interpreter.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

struct TorchQuery {
  const base::RootFs& fs;
  const ldso::LibrarySearch& libraries;
  const ReadInterpreter& python;
  const base::Environment& environment;
};

struct ReadTorch {
  Fact<Torch> torch;
  Fact<CudaRuntime> cuda_runtime;
  TorchLoad load;  // the interpreter with torch, or alone if there is no torch
};

ReadTorch read_torch(const TorchQuery& query);

}  // namespace gpuinit::image
