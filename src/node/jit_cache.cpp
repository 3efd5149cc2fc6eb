// Whether what the driver's JIT compiler makes is kept for the next start.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "node/read_node.h"

namespace gpuinit::node {

namespace {

// Empty if the driver's own default is not known.
std::string cache_path(const Environment& environment) {
  const auto value = [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  std::string path = value("CUDA_CACHE_PATH");
  if (path.empty() && !value("HOME").empty()) path = base::join(value("HOME"), ".nv/ComputeCache");
  return path.starts_with('/') ? path : "";
}

// errno of writing into the directory, 0 if it can be done.
int try_write(const std::string& directory) {
  // The effective ids decide, as they will for the driver; EROFS is reported too.
  return ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

}  // namespace

Fact<JitCache> read_jit_cache(const base::RootFs& fs, const Environment& environment) {
  JitCache cache;
  cache.path = cache_path(environment);
  if (cache.path.empty())
    return Fact<JitCache>::unknown("neither CUDA_CACHE_PATH nor HOME is an absolute path");
  std::string place = base::normalize(cache.path);
  auto info = fs.stat(place);
  while (!info && info.error().code == ENOENT && place != "/") {
    place = base::parent(place);
    info = fs.stat(place);
  }
  if (!info) {
    cache.write_errno = info.error().code != 0 ? info.error().code : EIO;
    return cache;
  }
  if (info->kind != base::FileInfo::Kind::kDirectory) {
    cache.write_errno = ENOTDIR;
    return cache;
  }
  const std::string real = fs.root() + fs.resolve(place).value_or(place);
  cache.write_errno = try_write(real);
  struct statvfs space {};
  if (::statvfs(real.c_str(), &space) == 0)
    cache.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  else cache.free_bytes = Fact<std::uint64_t>::unknown(errno_error("statvfs").message);
  return cache;
}

}  // namespace gpuinit::node
