#include "node/device_nodes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "base/text.h"
#include "base/unique_fd.h"

namespace gpuinit::node {

namespace {

// More than any machine has; a hostile /dev does not make us open for ever.
constexpr std::size_t kMaxNodes = 1024;
constexpr std::string_view kGpu = "nvidia";
constexpr std::string_view kCap = "nvidia-cap";

constexpr std::string_view kOthers[] = {"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools",
                                        "nvidia-modeset", "dxg"};

// The number behind `prefix` when nothing else follows.
std::optional<std::uint64_t> number_after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return base::parse_number(name.substr(prefix.size()));
}

// GPUs by number, then the others in the order of kOthers.
std::tuple<std::size_t, std::uint64_t> rank(std::string_view name) {
  if (const auto number = number_after(name, kGpu)) return {0, *number};
  const auto* other = std::find(std::begin(kOthers), std::end(kOthers), name);
  return {static_cast<std::size_t>(other - std::begin(kOthers)) + 1,
          number_after(name, kCap).value_or(0)};
}

// The errno of opening it, 0 if it opened; no value if it is no character device.
std::optional<int> try_open(int directory, const std::string& name, int access) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, 0) != 0 || !S_ISCHR(info.st_mode))
    return std::nullopt;
  const base::UniqueFd fd(
      ::openat(directory, name.c_str(), access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  return fd.valid() ? 0 : errno;
}

// RootFs cannot open devices, on purpose; this is the one place that must.
void add_nodes(const base::RootFs& fs, const std::string& directory, std::vector<std::string> names,
               int access, std::vector<DeviceNode>& nodes) {
  auto real = fs.resolve(directory);
  if (!real) return;
  const base::UniqueFd fd(::open((fs.root() + *real).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return;
  std::ranges::stable_sort(names, {}, [](const std::string& name) { return rank(name); });
  for (const auto& name : names) {
    if (nodes.size() >= kMaxNodes) return;
    if (const auto code = try_open(fd.get(), name, access))
      nodes.push_back({base::join(directory, name), *code});
  }
}

}  // namespace

bool is_driver_device(std::string_view name) {
  return number_after(name, kGpu).has_value() ||
         std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers);
}

Fact<std::vector<DeviceNode>> read_device_nodes(const base::RootFs& fs) {
  using Nodes = std::vector<DeviceNode>;
  auto names = fs.list("/dev");
  if (!names) return Fact<Nodes>::unknown(names.error().message);
  std::erase_if(*names, [](const std::string& name) { return !is_driver_device(name); });
  Nodes nodes;
  add_nodes(fs, "/dev", std::move(*names), O_RDWR, nodes);
  if (auto caps = fs.list("/dev/nvidia-caps")) {
    std::erase_if(*caps, [](const std::string& name) { return !number_after(name, kCap); });
    add_nodes(fs, "/dev/nvidia-caps", std::move(*caps), O_RDONLY, nodes);
  }
  return nodes;
}

}  // namespace gpuinit::node
