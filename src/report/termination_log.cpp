// See termination_log.h.
#include "report/termination_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "base/write_all.h"

namespace gpuinit::report {

namespace {

constexpr std::string_view kCutMark = "\n[the rest is in the container's log]\n";

std::string fitted(std::string_view text) {
  if (text.size() <= kTerminationLogLimit) return std::string(text);
  std::size_t end = kTerminationLogLimit - kCutMark.size();
  // Not in the middle of a UTF-8 sequence: its first byte is not 10xxxxxx.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return std::string(text.substr(0, end)) + std::string(kCutMark);
}

}  // namespace

Status write_termination_log(const std::string& path, std::string_view text) {
  if (path.empty()) return Done{};
  const std::string what = "writing the termination log " + path;
  // Looked at before it is opened: opening some devices has an effect.
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Done{};
    return errno_error(what);
  }
  if (!S_ISREG(info.st_mode)) return Error{what + ": not a regular file", EINVAL};
  base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return errno_error(what);
  if (::fstat(fd.get(), &info) != 0) return errno_error(what);
  if (!S_ISREG(info.st_mode)) return Error{what + ": not a regular file", EINVAL};
  if (::ftruncate(fd.get(), 0) != 0) return errno_error(what);
  return base::write_all(fd.get(), fitted(text), what);
}

}  // namespace gpuinit::report
