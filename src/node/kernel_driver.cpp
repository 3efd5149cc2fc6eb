// Which NVIDIA kernel module is loaded, the kernel-mode driver (KMD).
#include <cerrno>

#include "base/gpu_device_path.h"
#include "base/text.h"
#include "elf/libcuda_file.h"
#include "node/read_node.h"

namespace gpuinit::node {

namespace {

using elf::is_release;
using Version = Fact<std::string>;

constexpr const char* kProcVersion = "/proc/driver/nvidia/version";
constexpr const char* kSysModule = "/sys/module/nvidia";
constexpr const char* kSysVersion = "/sys/module/nvidia/version";
constexpr std::uint64_t kMaxText = 64ULL * 1024;

// Device files and modules of Tegra, where the GPU is served by nvgpu or where
// the nvidia module carries the release of the board support package.
constexpr const char* kTegraSigns[] = {"/dev/nvgpu", "/dev/nvmap", "/dev/nvhost-ctrl-gpu",
                                       "/dev/nvhost-gpu", "/sys/module/nvgpu"};

bool exists(const base::RootFs& fs, const char* path) { return fs.stat(path).ok(); }

bool is_missing(const Error& error) { return error.code == ENOENT || error.code == ENOTDIR; }

Version driver_release(const std::string& release, const char* where) {
  // NVIDIA's discrete drivers have had three digits since 2008; a Jetson says
  // "35.3.1", which no table of CUDA drivers can place.
  if (release.find('.') < 3)
    return Version::unknown(std::string(where) + " says \"" + base::printable(release, 60) +
                            "\", the release of a Tegra board, not of a driver");
  return release;
}

// Neither file is there: is there really no driver?
Version without_version(const base::RootFs& fs) {
  if (exists(fs, base::kWslDevice))
    return Version::unknown("WSL: the driver is that of Windows, behind /dev/dxg");
  for (const char* sign : kTegraSigns)
    if (exists(fs, sign))
      return Version::unknown(std::string("Tegra (") + sign + "), which reports no driver release");
  if (exists(fs, kSysModule))
    return Version::unknown("the nvidia module is loaded, but reports no version");
  if (exists(fs, "/dev/nvidiactl"))
    return Version::unknown(std::string("/dev/nvidiactl is there, but neither ") + kProcVersion +
                            " nor " + kSysVersion + " is");
  // Every Linux has these two, with or without any driver.
  auto modules = fs.list("/sys/module");
  if (!fs.is_directory("/proc/driver")) return Version::unknown("/proc is not mounted, or hidden");
  if (!modules || modules->empty()) return Version::unknown("/sys is not mounted, or hidden");
  return Version::absent("no NVIDIA kernel module is loaded");
}

}  // namespace

std::optional<std::string> nvrm_version(std::string_view proc_text) {
  constexpr std::string_view kModule = "Kernel Module";
  for (auto line : base::split_lines(proc_text)) {
    if (!line.starts_with("NVRM version:")) continue;
    const auto at = line.find(kModule);
    if (at == std::string_view::npos) continue;
    // "for x86_64" may stand between; the release is the first word of digits and dots.
    for (auto word : base::split_words(line.substr(at + kModule.size())))
      if (is_release(word)) return std::string(word);
  }
  return std::nullopt;
}

Fact<std::string> read_kernel_version(const base::RootFs& fs) {
  auto proc = fs.read_file(kProcVersion, kMaxText);
  if (proc) {
    if (const auto release = nvrm_version(*proc)) return driver_release(*release, kProcVersion);
  }
  auto sys = fs.read_file(kSysVersion, kMaxText);
  if (sys) {
    const auto release = base::trim(*sys);
    if (is_release(release)) return driver_release(std::string(release), kSysVersion);
  }
  if (proc) return Version::unknown(std::string(kProcVersion) + " has no NVRM release in it");
  if (sys) return Version::unknown(std::string(kSysVersion) + " holds no release");
  if (!is_missing(proc.error())) return Version::unknown(proc.error().message);
  if (!is_missing(sys.error())) return Version::unknown(sys.error().message);
  return without_version(fs);
}

}  // namespace gpuinit::node
