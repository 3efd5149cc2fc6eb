#include "base/cgroup_memory.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace gpuinit::base {

namespace {

constexpr std::uint64_t kMaxFile = 64ULL * 1024;
// v1 has no word for "no limit": LONG_MAX rounded down to a page.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;

struct Names {
  const char* events;
  const char* limit;
  const char* peak;
  const char* current;
};
constexpr Names kV2{"memory.events", "memory.max", "memory.peak", "memory.current"};
constexpr Names kV1{"memory.oom_control", "memory.limit_in_bytes", "memory.max_usage_in_bytes",
                    "memory.usage_in_bytes"};

struct Place {
  std::string mount;      // "/sys/fs/cgroup"
  std::string directory;  // in or equal to the mount; empty: no memory cgroup found
  Names names = kV2;
};

// "4:memory:/docker/abc" or "0::/docker/abc" → the path, where the controller fits, below its
// mount, or the mount.
std::string own_path(const std::string& mount, const std::string& text, bool v1,
                     std::string_view controller) {
  std::string path;
  for (const auto line : split_lines(text)) {
    const auto names = line.find(':') + 1;
    const auto end = line.find(':', names);
    if (names == 0 || end == std::string_view::npos) continue;
    const auto controllers = split(line.substr(names, end - names), ',');
    const bool fits =
        std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
    if (!(v1 ? fits : line.starts_with("0::"))) continue;
    path = line.substr(end + 1);
    break;
  }
  path = normalize(mount + "/" + path);
  return path.starts_with(mount) ? path : mount;
}

std::optional<std::uint64_t> oom_kill_line(const std::string& text) {
  for (const auto line : split_lines(text)) {
    const auto words = split_words(line);
    if (words.size() == 2 && words[0] == "oom_kill") return parse_number(words[1]);
  }
  return std::nullopt;
}

// The first place that has a file of events, and what it says.
Place find_place(const RootFs& fs, std::optional<std::uint64_t>& oom_kills) {
  const auto text = fs.read_kernel_file("/proc/self/cgroup", kMaxFile);
  const std::string cgroups = text ? *text : std::string();
  for (const bool v1 : {false, true}) {
    Place place;
    place.mount = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    place.names = v1 ? kV1 : kV2;
    const std::string path = own_path(place.mount, cgroups, v1, "memory");
    std::vector<std::string> candidates{path};
    if (path != place.mount) candidates.push_back(place.mount);
    for (const std::string& directory : candidates) {
      const auto events = fs.read_kernel_file(directory + "/" + place.names.events, kMaxFile);
      if (!events) continue;
      oom_kills = oom_kill_line(*events);
      place.directory = directory;
      return place;
    }
  }
  return {};
}

std::optional<std::uint64_t> number_in(const RootFs& fs, const std::string& path) {
  const auto text = fs.read_kernel_file(path, kMaxFile);
  if (!text) return std::nullopt;
  const auto number = parse_number(trim(*text));
  return number && *number < kNoLimit ? number : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> read_oom_kills(const RootFs& fs) {
  std::optional<std::uint64_t> oom_kills;
  find_place(fs, oom_kills);
  return oom_kills;
}

std::optional<std::uint64_t> read_tasks_left(const RootFs& fs) {
  const auto text = fs.read_kernel_file("/proc/self/cgroup", kMaxFile);
  const std::string cgroups = text ? *text : std::string();
  std::optional<std::uint64_t> left;
  for (const bool v1 : {false, true}) {
    const std::string mount = v1 ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
    for (std::string directory = own_path(mount, cgroups, v1, "pids"); directory.starts_with(mount);
         directory = std::string(parent(directory))) {
      const auto limit = number_in(fs, directory + "/pids.max");
      if (!limit) continue;
      const std::uint64_t used =
          std::min(number_in(fs, directory + "/pids.current").value_or(0), *limit);
      left = std::min(*limit - used, left.value_or(*limit - used));
    }
  }
  return left;
}

CgroupMemory read_cgroup_memory(const RootFs& fs) {
  CgroupMemory memory;
  const Place place = find_place(fs, memory.oom_kills);
  if (place.directory.empty()) return memory;
  memory.peak = number_in(fs, place.directory + "/" + place.names.peak);
  for (std::string directory = place.directory; directory.starts_with(place.mount);
       directory = std::string(parent(directory))) {
    const auto limit = number_in(fs, directory + "/" + place.names.limit);
    if (!limit) continue;
    memory.limit = std::min(*limit, memory.limit.value_or(*limit));
    const std::uint64_t used =
        std::min(number_in(fs, directory + "/" + place.names.current).value_or(0), *limit);
    memory.room = std::min(*limit - used, memory.room.value_or(*limit - used));
  }
  return memory;
}

}  // namespace gpuinit::base
