// Where programs write at their start, and whether they can.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "node/read_node.h"

namespace gpuinit::node {

namespace {

struct Cache {
  const char* name;     // a variable; set: this very directory, unless `base` is the same
  const char* base;     // a variable; set: `in_base` below it
  const char* in_base;  // else `in_home` below HOME
  const char* in_home;
};
constexpr Cache kCaches[] = {
    {"TRITON_CACHE_DIR", "TRITON_HOME", ".triton/cache", ".triton/cache"},
    {"VLLM_CACHE_ROOT", "XDG_CACHE_HOME", "vllm", ".cache/vllm"},
    {"FLASHINFER_WORKSPACE_BASE", "FLASHINFER_WORKSPACE_BASE", ".cache/flashinfer",
     ".cache/flashinfer"},
};

// Empty if it cannot be told: what HOME would be then, /etc/passwd decides.
std::string path_of(const Cache& cache, const Environment& environment) {
  std::string own = base::variable(environment, cache.name);
  const std::string above = base::variable(environment, cache.base);
  if (!own.empty() && own != above) return own;
  if (!above.empty()) return base::join(above, cache.in_base);
  const std::string home = base::variable(environment, "HOME");
  return home.empty() ? "" : base::join(home, cache.in_home);
}

WritablePlace temporary_files(const base::RootFs& fs, const Environment& environment) {
  std::string candidates[] = {base::variable(environment, "TMPDIR"),
                              base::variable(environment, "TEMP"),
                              base::variable(environment, "TMP"),
                              "/tmp",
                              "/var/tmp",
                              "/usr/tmp"};
  WritablePlace first;
  for (const std::string& path : candidates) {
    if (!path.starts_with('/')) continue;
    // Python does not make one that is missing.
    WritablePlace place = look_at_place(fs, path);
    if (place.write_errno == 0 && !fs.is_directory(path)) place.write_errno = ENOENT;
    if (place.write_errno == 0) return place;
    if (first.path.empty()) first = std::move(place);
  }
  return first;
}

}  // namespace

WritablePlace look_at_place(const base::RootFs& fs, std::string path) {
  WritablePlace result;
  result.path = std::move(path);
  std::string place = base::normalize(result.path);
  auto info = fs.stat(place);
  while (!info && info.error().code == ENOENT && place != "/") {
    place = base::parent(place);
    info = fs.stat(place);
  }
  if (!info) {
    result.write_errno = info.error().code != 0 ? info.error().code : EIO;
    return result;
  }
  if (info->kind != base::FileInfo::Kind::kDirectory) {
    result.write_errno = ENOTDIR;
    return result;
  }
  const auto directory = fs.open_directory(place);
  if (!directory) {
    result.write_errno = directory.error().code;
    return result;
  }
  // The effective ids decide, as they will for the command; EROFS is reported too.
  if (::faccessat(directory->get(), ".", W_OK | X_OK, AT_EACCESS) != 0) result.write_errno = errno;
  struct statvfs space {};
  if (::fstatvfs(directory->get(), &space) == 0) {
    result.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
    result.noexec = (space.f_flag & ST_NOEXEC) != 0;
  } else {
    result.free_bytes = Fact<std::uint64_t>::unknown(errno_error("statvfs").message);
  }
  return result;
}

std::vector<WritablePlace> read_places(const base::RootFs& fs, const Environment& environment) {
  std::vector<WritablePlace> places{temporary_files(fs, environment)};
  places.front().name = "TMPDIR";
  for (const Cache& cache : kCaches) {
    const std::string path = path_of(cache, environment);
    if (!path.starts_with('/')) continue;
    WritablePlace& place = places.emplace_back(look_at_place(fs, path));
    place.name = cache.name;
    const auto names = fs.list(path);
    place.filled = names && !names->empty();
  }
  return places;
}

}  // namespace gpuinit::node
