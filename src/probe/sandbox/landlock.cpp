// Landlock (Linux 5.13): this process and its children can no longer change files, except
// beneath the paths that are named. Reading and executing stay as they were.
//
// Source: Linux Documentation/userspace-api/landlock.rst. Raw system calls, because the C
// library has none for it.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/unique_fd.h"
#include "probe/sandbox/sandbox.h"

// The same numbers on every machine that this program runs on; the headers that we build
// with may be older than Landlock.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

namespace gpuinit::probe {

namespace {

// linux/landlock.h
constexpr unsigned kAskVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
constexpr int kPathBeneath = 1;      // LANDLOCK_RULE_PATH_BENEATH

struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed_access = 0;
  std::int32_t parent_fd = -1;
};

constexpr std::uint64_t kWriteFile = 1U << 1;
constexpr std::uint64_t kRemoveDirectory = 1U << 4;
constexpr std::uint64_t kRemoveFile = 1U << 5;
constexpr std::uint64_t kMakeCharacterDevice = 1U << 6;
constexpr std::uint64_t kMakeDirectory = 1U << 7;
constexpr std::uint64_t kMakeFile = 1U << 8;
constexpr std::uint64_t kMakeSocket = 1U << 9;
constexpr std::uint64_t kMakeFifo = 1U << 10;
constexpr std::uint64_t kMakeBlockDevice = 1U << 11;
constexpr std::uint64_t kMakeSymlink = 1U << 12;
constexpr std::uint64_t kRefer = 1U << 13;     // version 2: link and rename to another directory
constexpr std::uint64_t kTruncate = 1U << 14;  // version 3

constexpr std::uint64_t kEverything = kWriteFile | kRemoveDirectory | kRemoveFile | kMakeDirectory |
                                      kMakeFile | kMakeSocket | kMakeFifo | kMakeSymlink | kRefer |
                                      kTruncate;
constexpr std::uint64_t kContents = kWriteFile | kTruncate;

// ioctl on devices (version 5) is not handled and so stays allowed: it is how the driver works.
std::uint64_t handled(int version) {
  std::uint64_t rights = kEverything | kMakeCharacterDevice | kMakeBlockDevice;
  if (version < 2) rights &= ~kRefer;
  if (version < 3) rights &= ~kTruncate;
  return rights;
}

std::uint64_t rights_of(WritablePath::How how) {
  switch (how) {
    case WritablePath::How::kEverything:
      return kEverything;
    case WritablePath::How::kDevices:
      return kContents | kMakeCharacterDevice;
    case WritablePath::How::kContents:
      break;
  }
  return kContents;
}

Status allow(int ruleset, const WritablePath& path, std::uint64_t possible) {
  const base::UniqueFd fd(::open(path.path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) {
    const bool absent = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    if (absent) return Done{};
    return errno_error(path.path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno_error(path.path);
  PathBeneath rule;
  rule.parent_fd = fd.get();
  rule.allowed_access = rights_of(path.how) & possible;
  if (!S_ISDIR(status.st_mode)) rule.allowed_access &= kContents;
  if (::syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &rule, 0) != 0)
    return errno_error(path.path);
  return Done{};
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

Status restrict_writes(int version, const std::vector<WritablePath>& writable) {
  const RulesetAttributes attributes{handled(version)};
  const base::UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset.valid()) return errno_error("a Landlock ruleset");
  for (const WritablePath& path : writable)
    if (auto done = allow(ruleset.get(), path, attributes.handled_access_fs); !done)
      return std::move(done).error().context("a Landlock rule");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return errno_error("Landlock");
  return Done{};
}

}  // namespace gpuinit::probe
