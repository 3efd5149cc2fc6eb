#include "base/open_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/repeated.h"
#include "base/root_fs.h"
#include "base/text.h"

namespace gpuinit::base {

namespace {

int with_defaults(int flags) {
  flags |= O_CLOEXEC;
  return (flags & O_PATH) != 0 ? flags : flags | O_NONBLOCK | O_NOCTTY;
}

// openat2 (Linux 5.6) walks the whole path in one call. nullopt: it has to be walked here, since
// there is no openat2 (an old kernel, a seccomp filter), a rename somewhere came between, or a link
// of /proc has to be followed as the text that it is.
std::optional<UniqueFd> open_at_once(int root, std::string_view path, int flags, Links links) {
  static std::atomic<bool> refused{false};
  if (refused) return std::nullopt;
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_IN_ROOT | (links == Links::kRefused ? RESOLVE_NO_SYMLINKS : 0);
  const std::string name = path.empty() ? "/" : std::string(path);
  UniqueFd fd(static_cast<int>(
      repeated([&] { return ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how); })));
  if (fd.valid()) return fd;
  if (errno == ENOSYS || errno == EPERM) refused = true;
  if (refused || errno == EAGAIN || (errno == ELOOP && links == Links::kFollowed))
    return std::nullopt;
  return fd;
}

// Every directory on the way is held, so that ".." leads back to where the walk came from.
class Walk {
 public:
  Walk(int root, std::string_view path, Links links) : root_(root), links_(links) { add(path); }

  // False and errno if a part of the path is missing or not to be walked.
  bool go() {
    while (!rest_.empty()) {
      const std::string part = std::move(rest_.back());
      rest_.pop_back();
      if (!(part == ".." ? up() : down(part))) return false;
    }
    return true;
  }

  UniqueFd open(int flags) const {
    return UniqueFd(repeated(
        [&] { return ::openat(here(), file_.empty() ? "." : file_.c_str(), flags | O_NOFOLLOW); }));
  }

  std::string path() const {
    std::string path;
    for (const Held& directory : held_) path.append("/").append(directory.name);
    if (!file_.empty()) path.append("/").append(file_);
    return path.empty() ? "/" : path;
  }

 private:
  struct Held {
    std::string name;
    UniqueFd fd;
  };

  int here() const { return held_.empty() ? root_ : held_.back().fd.get(); }

  static bool fail(int code) {
    errno = code;
    return false;
  }

  bool up() {
    if (!file_.empty()) return fail(ENOTDIR);
    if (!held_.empty()) held_.pop_back();
    return true;
  }

  bool down(const std::string& part) {
    if (!file_.empty()) return fail(ENOTDIR);
    UniqueFd fd(repeated([&] {
      return ::openat(here(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }));
    if (fd.valid()) {
      held_.push_back({part, std::move(fd)});
      return true;
    }
    if (errno != ENOTDIR && errno != ELOOP) return false;
    char target[PATH_MAX];
    const ssize_t length =
        repeated([&] { return ::readlinkat(here(), part.c_str(), target, sizeof target); });
    if (length < 0) {
      if (errno != EINVAL) return false;
      file_ = part;
      return true;
    }
    if (links_ == Links::kRefused || ++links_followed_ > kMaxLinks) return fail(ELOOP);
    if (target[0] == '/') held_.clear();
    add({target, static_cast<std::size_t>(length)});
    return true;
  }

  void add(std::string_view path) {
    auto parts = split(path, '/');
    std::reverse(parts.begin(), parts.end());
    for (const std::string_view part : parts)
      if (!part.empty() && part != ".") rest_.emplace_back(part);
  }

  const int root_;
  const Links links_;
  int links_followed_ = 0;
  std::vector<std::string> rest_;  // the next one last
  std::vector<Held> held_;
  std::string file_;  // in here(); empty: the walk is at here() itself
};

std::string tidy(std::string_view path) {
  std::string tidied;
  for (const std::string_view part : split(path, '/'))
    if (!part.empty() && part != ".") tidied.append("/").append(part);
  return tidied;
}

// Puts its target in the place of the first symlink in a tidy `path`, which has one. That is an
// entry of the longest directory on the way that is reached without one.
bool follow_first_link(int root, std::string& path) {
  for (std::size_t end = path.size(), slash; end > 0; end = slash) {
    slash = path.rfind('/', end - 1);
    const auto directory = open_at_once(root, path.substr(0, slash),
                                        O_PATH | O_DIRECTORY | O_CLOEXEC, Links::kRefused);
    if (!directory || (!directory->valid() && errno != ELOOP)) return false;
    if (!directory->valid()) continue;
    char target[PATH_MAX];
    const std::string name = path.substr(slash + 1, end - slash - 1);
    const ssize_t length = repeated(
        [&] { return ::readlinkat(directory->get(), name.c_str(), target, sizeof target); });
    if (length < 0) return false;
    const std::string_view link(target, static_cast<std::size_t>(length));
    path = tidy(std::string(link.starts_with('/') ? "" : path.substr(0, slash + 1))
                    .append(link)
                    .append(path, end));
    return true;
  }
  return false;
}

}  // namespace

UniqueFd open_in_root(int root, std::string_view path, int flags, Links links) {
  if (path.find('\0') != std::string_view::npos || path.size() >= PATH_MAX) {
    errno = path.size() >= PATH_MAX ? ENAMETOOLONG : EINVAL;
    return UniqueFd();
  }
  flags = with_defaults(flags);
  if (auto fd = open_at_once(root, path, flags, links)) return *std::move(fd);
  Walk walk(root, path, links);
  return walk.go() ? walk.open(flags) : UniqueFd();
}

Result<std::string> resolve_in_root(int root, std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return Error{"a path holds a NUL byte", EINVAL};
  std::string wanted = tidy(path);
  for (int links = 0; links <= kMaxLinks; ++links) {
    if (wanted.size() >= PATH_MAX) return errno_error(std::string(path), ENAMETOOLONG);
    const auto fd = open_at_once(root, wanted, O_PATH | O_CLOEXEC, Links::kRefused);
    if (fd && fd->valid()) return normalize(wanted);
    if (fd && errno != ELOOP) return errno_error(std::string(path));
    if (fd && follow_first_link(root, wanted)) continue;
    Walk walk(root, path, Links::kFollowed);
    if (!walk.go()) return errno_error(std::string(path));
    return walk.path();
  }
  return errno_error(std::string(path), ELOOP);
}

}  // namespace gpuinit::base
