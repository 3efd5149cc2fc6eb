#include "probe/sandbox/scratch_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
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
    if (++entries > kMaxEntries) emptied = false;
    else if (::unlinkat(fd, entry->d_name, 0) == 0) continue;
    else if (errno != EISDIR && errno != EPERM) emptied = false;
    else {
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
    return true;
  }
  return false;
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
