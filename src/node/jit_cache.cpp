// Whether what the driver's JIT compiler makes is kept for the next start.
#include "node/read_node.h"

namespace gpuinit::node {

namespace {

// Empty if the driver's own default is not known.
std::string cache_path(const Environment& environment) {
  std::string path = base::variable(environment, "CUDA_CACHE_PATH");
  const std::string home = base::variable(environment, "HOME");
  if (path.empty() && !home.empty()) path = base::join(home, ".nv/ComputeCache");
  return path.starts_with('/') ? path : "";
}

}  // namespace

Fact<JitCache> read_jit_cache(const base::RootFs& fs, const Environment& environment) {
  JitCache cache;
  cache.path = cache_path(environment);
  if (cache.path.empty())
    return Fact<JitCache>::unknown("neither CUDA_CACHE_PATH nor HOME is an absolute path");
  WritablePlace place = look_at_place(fs, cache.path);
  cache.write_errno = place.write_errno;
  cache.free_bytes = std::move(place.free_bytes);
  return cache;
}

}  // namespace gpuinit::node
