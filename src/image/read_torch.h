// Everything about the torch that the command imports, as facts.
#pragma once

#include <vector>

#include "base/root_fs.h"
#include "binary/library_search.h"
#include "gpuinit/facts.h"
#include "image/environment.h"
#include "image/read_interpreter.h"
#include "image/torch_load.h"

namespace gpuinit::image {

struct TorchQuery {
  const base::RootFs& fs;
  const binary::LibrarySearch& libraries;
  const ReadInterpreter& python;
  const Environment& environment;
};

struct ReadTorch {
  Fact<Torch> torch;
  Fact<CudaRuntime> cuda_runtime;
  TorchLoad load;  // the interpreter with torch, or without where there is none
};

ReadTorch read_torch(const TorchQuery& query);

}  // namespace gpuinit::image
