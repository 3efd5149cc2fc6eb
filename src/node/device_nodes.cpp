// The NVIDIA device files, and whether they may be opened.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "base/gpu_device_path.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "node/read_node.h"

namespace gpuinit::node {

namespace {

// More than any machine has: a hostile /dev shall not keep us opening.
constexpr std::size_t kMaxNodes = 1024;
constexpr const char* kCapabilities = "/dev/nvidia-caps";
constexpr std::string_view kOthers[] = {"/dev/nvidiactl", "/dev/nvidia-uvm",
                                        "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset",
                                        base::kWslDevice};

std::optional<std::uint64_t> capability_number(std::string_view path) {
  constexpr std::string_view kPrefix = "/dev/nvidia-caps/nvidia-cap";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  return base::parse_number(path.substr(kPrefix.size()));
}

// GPUs by number, the others in the order of kOthers, capabilities by number; nullopt if the
// file is not one of these.
std::optional<std::tuple<int, std::uint64_t>> rank(std::string_view path) {
  if (const auto number = base::gpu_number(path)) return {{0, *number}};
  if (const auto number = capability_number(path)) return {{2, *number}};
  const auto* other = std::ranges::find(kOthers, path);
  if (other == std::end(kOthers)) return std::nullopt;
  return {{1, static_cast<std::uint64_t>(other - std::begin(kOthers))}};
}

// The errno of opening it, 0 if it opened; nullopt if it is not a character device.
std::optional<int> try_open(int directory, const std::string& name, int access) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, 0) != 0 || !S_ISCHR(info.st_mode))
    return std::nullopt;
  const base::UniqueFd fd(
      ::openat(directory, name.c_str(), access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  return fd.valid() ? 0 : errno;
}

// RootFs cannot open devices, on purpose; this is the one place that must. The directory is that of
// the machine, never of an image, and what a link in it leads to is what a program would open.
Status add_nodes(const base::RootFs& fs, const char* directory, int access,
                 std::vector<DeviceNode>& nodes) {
  auto names = fs.list(directory);
  if (!names) return std::move(names).error();
  const auto path = [&](const std::string& name) { return base::join(directory, name); };
  std::erase_if(*names, [&](const std::string& name) { return !rank(path(name)); });
  std::ranges::stable_sort(*names, {}, [&](const std::string& name) { return rank(path(name)); });
  const auto opened = fs.open_directory(directory);
  if (!opened) return Done{};
  for (const auto& name : *names) {
    if (nodes.size() >= kMaxNodes) break;
    if (const auto code = try_open(opened->get(), name, access))
      nodes.push_back({path(name), *code});
  }
  return Done{};
}

}  // namespace

Fact<std::vector<DeviceNode>> read_device_nodes(const base::RootFs& fs) {
  std::vector<DeviceNode> nodes;
  if (const auto added = add_nodes(fs, "/dev", O_RDWR, nodes); !added)
    return Fact<std::vector<DeviceNode>>::unknown(added.error().message);
  (void)add_nodes(fs, kCapabilities, O_RDONLY, nodes);
  return nodes;
}

}  // namespace gpuinit::node
