#include "probe/sandbox/scratch_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

namespace gpuinit::probe {

namespace {

constexpr int kMaxDepth = 16;
constexpr int kMaxEntries = 20'000;

constexpr std::string_view kVariables[] = {"TMPDIR", "TEMP", "TMP"};
constexpr int kMaxLinks = 1000;  // entries of a home directory that are seen through the other

// Caches that packages write while they are imported, also where they are there already.
constexpr std::string_view kCaches[] = {"FLASHINFER_WORKSPACE_BASE", "NUMBA_CACHE_DIR",
                                        "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"};

void set(std::vector<std::string>& environment, std::string_view name, const std::string& value) {
  std::erase_if(environment, [&](std::string_view variable) {
    return variable.substr(0, variable.find('=')) == name;
  });
  environment.push_back(std::string(name) + "=" + value);
}

// A new directory `made` with a symlink to each entry of `real` that is not in it already.
void link_entries(const std::string& real, const std::string& made) {
  ::mkdir(made.c_str(), 0700);
  DIR* directory = ::opendir(real.c_str());
  if (directory == nullptr) return;
  for (int links = 0; links < kMaxLinks; ++links) {
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    if (::symlink((real + "/" + entry->d_name).c_str(), (made + "/" + entry->d_name).c_str()) != 0)
      continue;  // ".", "..", ".cache"
  }
  ::closedir(directory);
}

// Empties the directory and closes it. False if something is left.
bool empty(int fd, int depth, int& entries) {
  DIR* directory = ::fdopendir(fd);
  if (directory == nullptr) {
    ::close(fd);
    return false;
  }
  bool emptied = depth < kMaxDepth;
  while (emptied) {
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    const bool within_limit = ++entries <= kMaxEntries;
    if (within_limit && ::unlinkat(fd, entry->d_name, 0) == 0) continue;
    if (!within_limit || (errno != EISDIR && errno != EPERM)) {
      emptied = false;
    } else {
      const int inner =
          ::openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      emptied = inner >= 0 && empty(inner, depth + 1, entries) &&
                ::unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0;
    }
  }
  ::closedir(directory);
  return emptied;
}

}  // namespace

bool ScratchDirectory::make(std::vector<std::string>& environment) {
  std::vector<std::string> places;
  for (const auto variable : kVariables)
    places.push_back(value_of(environment, std::string(variable)));
  for (const char* place : {"/tmp", "/var/tmp", "/dev/shm"}) places.emplace_back(place);
  for (const std::string& place : places) {
    if (!place.starts_with('/')) continue;
    std::string name = place + "/gpuinit-probe-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) continue;
    path_ = name;
    std::erase_if(environment, [](std::string_view set) {
      return std::ranges::find(kVariables, set.substr(0, set.find('='))) != std::end(kVariables);
    });
    environment.push_back("TMPDIR=" + path_);
    move_home(environment);
    return true;
  }
  return false;
}

void ScratchDirectory::move_home(std::vector<std::string>& environment) const {
  const std::string home = value_of(environment, "HOME");
  if (!home.starts_with('/') || ::access(home.c_str(), W_OK) != 0) return;
  const std::string below = home == "/" ? "" : home;
  const std::string made = path_ + "/home";
  ::mkdir(made.c_str(), 0700);
  std::string cache = value_of(environment, "XDG_CACHE_HOME");
  if (!cache.starts_with('/')) cache = below + "/.cache";
  link_entries(cache, made + "/.cache");
  link_entries(home, made);
  for (const std::string_view name : kCaches) set(environment, name, path_);
  set(environment, "HOME", made);
  set(environment, "XDG_CACHE_HOME", made + "/.cache");
  // The user's own site stays where it is.
  if (value_of(environment, "PYTHONUSERBASE").empty())
    set(environment, "PYTHONUSERBASE", below + "/.local");
}

void ScratchDirectory::remove() {
  if (path_.empty()) return;
  const int fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int entries = 0;
  if (fd >= 0 && empty(fd, 0, entries)) ::rmdir(path_.c_str());
  path_.clear();
}

std::string value_of(const std::vector<std::string>& environment, const std::string& name) {
  for (const std::string& variable : environment)
    if (variable.starts_with(name + "=")) return variable.substr(name.size() + 1);
  return "";
}

}  // namespace gpuinit::probe
