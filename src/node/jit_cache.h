// Whether what the driver's JIT compiler makes can be kept for the next start.
#pragma once

#include <map>
#include <string>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

// The cache directory of CUDA_CACHE_PATH, else $HOME/.nv/ComputeCache, and whether this
// process could write there: the directory itself, or the nearest one above it that
// exists, since the driver makes what is missing. Nothing is written or made.
// Source: CUDA Programming Guide, "CUDA Environment Variables".
//
// Unknown: neither variable is set, or it is no absolute path.
Fact<JitCache> read_jit_cache(const base::RootFs& fs,
                              const std::map<std::string, std::string>& environment);

}  // namespace gpuinit::node
