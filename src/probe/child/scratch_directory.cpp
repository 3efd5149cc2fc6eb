#include "probe/child/scratch_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gpuinit::probe {

namespace {

constexpr int kMaxDepth = 16;
constexpr int kMaxEntries = 20'000;

constexpr const char* kVariables[] = {"TMPDIR", "TEMP", "TMP"};

// Empties the directory and closes it. False: something is left.
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

bool ScratchDirectory::make(const std::vector<std::string>& environment) {
  std::vector<std::string> places;
  for (const char* variable : kVariables) places.push_back(value_of(environment, variable));
  for (const char* place : {"/tmp", "/var/tmp", "/dev/shm"}) places.emplace_back(place);
  for (const std::string& place : places) {
    if (!place.starts_with('/')) continue;
    std::string name = place + "/gpuinit-probe-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) continue;
    path_ = name;
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

std::vector<std::string> with_temporary_directory(std::vector<std::string> environment,
                                                  const std::string& directory) {
  for (const char* variable : kVariables)
    std::erase_if(environment, [&](const std::string& set) {
      return set.starts_with(std::string(variable) + "=");
    });
  environment.push_back("TMPDIR=" + directory);
  return environment;
}

}  // namespace gpuinit::probe
