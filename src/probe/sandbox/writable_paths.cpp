// Where each kind of probe may write.
#include <dirent.h>

#include <array>

#include "probe/sandbox/sandbox.h"
#include "probe/sandbox/scratch_directory.h"

namespace gpuinit::probe {

namespace {

using How = WritablePath::How;

// A relative path counts from where the probe runs, which is /.
void add(std::vector<WritablePath>& paths, std::string path, How how = How::kEverything) {
  if (path.empty()) return;
  if (!path.starts_with('/')) path = "/" + path;
  paths.push_back({std::move(path), how});
}

// The driver's own files. The JIT cache: if its directory does not exist it is not made
// either, and the driver does without. The pipes of MPS are made by its daemon: "Multi-Process
// Service", NVIDIA's documentation, section 4.2, Environment Variables.
void add_driver(std::vector<WritablePath>& paths, const std::vector<std::string>& environment) {
  const std::string cache = value_of(environment, "CUDA_CACHE_PATH");
  const std::string home = value_of(environment, "HOME");
  if (!cache.empty()) add(paths, cache);
  else if (!home.empty()) add(paths, home + "/.nv/ComputeCache");
  const std::string pipes = value_of(environment, "CUDA_MPS_PIPE_DIRECTORY");
  add(paths, pipes.empty() ? "/tmp/nvidia-mps" : pipes);
}

// NVIDIA's device files: those of the driver, of Jetson and of WSL; not nvme0n1.
bool is_driver_device(std::string_view name) {
  constexpr std::array<std::string_view, 6> kPrefixes{"nvidia", "nvhost",   "nvmap",
                                                      "nvgpu",  "nvsciipc", "dri"};
  for (const auto prefix : kPrefixes)
    if (name.starts_with(prefix)) return true;
  return name == "dxg" || name == "igpu0";
}

void add_driver_devices(std::vector<WritablePath>& paths) {
  DIR* devices = ::opendir("/dev");
  if (devices == nullptr) return;
  while (const dirent* entry = ::readdir(devices))
    if (is_driver_device(entry->d_name))
      add(paths, std::string("/dev/") + entry->d_name, How::kContents);
  ::closedir(devices);
}

}  // namespace

std::vector<WritablePath> writable_paths(const Sandbox& sandbox,
                                         const std::vector<std::string>& environment) {
  std::vector<WritablePath> paths;
  add(paths, "/dev/shm");
  add(paths, "/proc/self/task", How::kContents);  // names of threads
  if (sandbox.kind == Sandbox::Kind::kCuda) {
    // All devices: no list knows which of them every future driver needs, and a driver that
    // cannot open one reports that there is no GPU. As root it makes its files itself where
    // they are missing.
    add(paths, "/dev", How::kDevices);
    add_driver(paths, environment);
  } else {
    for (const char* device : {"/dev/null", "/dev/zero", "/dev/full"})
      add(paths, device, How::kContents);
    add_driver_devices(paths);
  }
  for (const std::string& path : sandbox.writable) add(paths, path);
  return paths;
}

}  // namespace gpuinit::probe
