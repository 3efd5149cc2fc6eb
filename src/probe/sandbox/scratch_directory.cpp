#include "probe/sandbox/scratch_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string_view>

#include "base/reap_group.h"
#include "base/sudden_end.h"

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

// Empties the directory and closes it. False if something is left. System calls only: a signal
// handler calls it too.
bool empty(int fd, int depth, int& entries) {
  bool emptied = depth < kMaxDepth;
  alignas(dirent64) char names[4096];
  for (ssize_t got = 0; emptied && (got = ::getdents64(fd, names, sizeof names)) > 0;) {
    for (ssize_t at = 0; emptied && at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(names + at);
      at += entry->d_reclen;
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
  }
  ::close(fd);
  return emptied;
}

void remove_tree(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int entries = 0;
  if (fd >= 0 && empty(fd, 0, entries)) ::rmdir(path);
}

// The one directory that there is, for the handler of a signal that ends gpuinit.
char sudden_path[PATH_MAX];
volatile pid_t sudden_user = -1;

void remove_suddenly() {
  constexpr int kPatience = 200;  // ms
  const pid_t user = sudden_user;
  if (user > 0) base::kill_group(user);
  for (int i = 0; i < kPatience && user > 0 && ::waitpid(user, nullptr, WNOHANG) == 0; ++i)
    ::poll(nullptr, 0, 1);
  remove_tree(sudden_path);
}

// No signal ends gpuinit while it lives.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

bool ScratchDirectory::make(std::vector<std::string>& environment) {
  std::vector<std::string> places;
  for (const auto variable : kVariables)
    places.push_back(value_of(environment, std::string(variable)));
  for (const char* place : {"/tmp", "/var/tmp", "/dev/shm"}) places.emplace_back(place);
  const NoSignals until_it_is_known;
  for (const std::string& place : places) {
    if (!place.starts_with('/')) continue;
    std::string name = place + "/gpuinit-probe-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) continue;
    path_ = name;
    if (path_.copy(sudden_path, sizeof sudden_path - 1) == path_.size())
      base::at_sudden_end = remove_suddenly;
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

void ScratchDirectory::used_by(pid_t leader) const {
  if (!path_.empty()) sudden_user = leader;
}

void ScratchDirectory::remove() {
  if (path_.empty()) return;
  sudden_user = -1;
  remove_tree(path_.c_str());
  base::at_sudden_end = nullptr;
  path_.clear();
}

std::string value_of(const std::vector<std::string>& environment, const std::string& name) {
  for (const std::string& variable : environment)
    if (variable.starts_with(name + "=")) return variable.substr(name.size() + 1);
  return "";
}

}  // namespace gpuinit::probe
