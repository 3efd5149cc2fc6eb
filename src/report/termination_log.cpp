// See termination_log.h.
#include "report/termination_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/write_all.h"

namespace gpuinit::report {

namespace {

constexpr std::string_view kCutMark = "[the rest is in the container's log]\n";

// The beginning of a line, with its end; not cut in the middle of a UTF-8 sequence, whose first
// byte is not 10xxxxxx.
std::string cut_line(std::string_view line, std::size_t size) {
  if (line.size() <= size) return std::string(line);
  std::size_t end = size - 1;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80) --end;
  return std::string(line.substr(0, end)) + "\n";
}

// Whole lines, except where a line is so long that little would be left without its beginning.
std::string fitted(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  const std::string last = cut_line(text.substr(text.rfind('\n', text.size() - 2) + 1), limit / 4);
  const std::size_t room = limit - kCutMark.size() - last.size();
  const std::size_t line_end = text.rfind('\n', room - 1) + 1;  // 0: no line ends there
  const std::string start =
      line_end > room / 2 ? std::string(text.substr(0, line_end)) : cut_line(text, room);
  return start + std::string(kCutMark) + last;
}

// " needs=12.8": one word, whatever is in it; "" if there is no value.
std::string pair(const char* key, std::string_view value) {
  constexpr std::size_t kMaxValue = 80;
  if (value.empty()) return "";
  std::string word = base::printable(value, kMaxValue);
  std::erase(word, ' ');
  return key + word;
}

}  // namespace

std::string termination_text(const TerminationMessage& message) {
  std::string line = "gpuinit " + std::to_string(message.exit_code);
  line += pair(" ", message.cause) + pair(" needs=", message.needs) + pair(" has=", message.has);
  line += '\n';
  return line + fitted(message.text, kTerminationLogLimit - line.size());
}

Status write_termination_log(const std::string& path, const TerminationMessage& message,
                             Replace replace) {
  if (path.empty()) return Done{};
  const std::string what = "writing the termination log " + path;
  // Looked at before it is opened: opening some devices has an effect.
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Done{};
    return errno_error(what);
  }
  if (!S_ISREG(info.st_mode)) return Error{what + ": not a regular file", EINVAL};
  if (replace == Replace::kIfEmpty && info.st_size != 0) return Done{};
  // No more than every program's start needs: a filter of system calls may be in force.
  const base::UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return errno_error(what);
  if (::fstat(fd.get(), &info) != 0) return errno_error(what);
  if (!S_ISREG(info.st_mode)) return Error{what + ": not a regular file", EINVAL};
  return base::write_all(fd.get(), termination_text(message), what);
}

}  // namespace gpuinit::report
