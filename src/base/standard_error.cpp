#include "base/standard_error.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "gpuinit/schema.h"

namespace gpuinit::base {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};
constexpr std::size_t kMaxMessage = 8192;
// A terminal that poll calls writable may have little room, and every line end takes two bytes.
constexpr std::size_t kTerminalPiece = 64;

Clock::duration waited{};
std::size_t dropped = 0;  // bytes, since the last that were written
bool in_json = false;

// Standard error as what can be written without waiting. O_NONBLOCK is of the open file, which
// others share, so a terminal is opened once more.
class Writer {
 public:
  Writer() {
    struct stat status {};
    if (::fstat(STDERR_FILENO, &status) != 0) return;
    if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) kind_ = Kind::kPipe;
    else if (S_ISCHR(status.st_mode) && ::isatty(STDERR_FILENO) == 1) open_terminal();
  }

  bool has_room(Clock::duration patience) const {
    if (kind_ == Kind::kFile) return true;
    pollfd room{fd(), POLLOUT, 0};
    const auto wait = std::chrono::ceil<milliseconds>(std::max(patience, Clock::duration{}));
    const int ready = ::poll(&room, 1, static_cast<int>(wait.count()));
    return ready > 0 || (ready < 0 && errno == EINTR);
  }

  ssize_t write(std::string_view text) const {
    if (kind_ == Kind::kTerminal) text = text.substr(0, own_.valid() ? PIPE_BUF : kTerminalPiece);
    if (kind_ == Kind::kPipe) {
      text = text.substr(0, PIPE_BUF);
      // Kernels before 6.4 cannot: there only another writer can have taken the room that poll saw.
      iovec piece{const_cast<char*>(text.data()), text.size()};
      const ssize_t written = ::pwritev2(STDERR_FILENO, &piece, 1, -1, RWF_NOWAIT);
      if (written >= 0 || errno == EAGAIN || errno == EINTR || errno == EPIPE) return written;
    }
    return ::write(fd(), text.data(), text.size());
  }

 private:
  enum class Kind { kFile, kPipe, kTerminal };

  void open_terminal() {
    kind_ = Kind::kTerminal;
    unsigned number = 0;
    if (::ioctl(STDERR_FILENO, TIOCGPTN, &number) == 0) return;  // to open a master makes another
    own_.reset(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
  int fd() const { return own_.valid() ? own_.get() : STDERR_FILENO; }

  Kind kind_ = Kind::kFile;  // or what is not open, which write says
  UniqueFd own_;
};

// Bytes that were written, or refused for another cause than lack of room.
std::size_t write_with_patience(std::string_view text) {
  const Writer writer;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto start = Clock::now();
    if (!writer.has_room(kPatience - waited)) {
      waited += Clock::now() - start;
      break;
    }
    const ssize_t written = writer.write(rest);
    if (written < 0 && errno != EINTR && errno != EAGAIN) return text.size();
    // Less room than the piece needs.
    if (written < 0 && errno == EAGAIN) ::poll(nullptr, 0, 5);
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
    waited += Clock::now() - start;
    if (written < 0 && waited >= kPatience) break;
  }
  return text.size() - rest.size();
}

std::string event_line(std::string_view event, JsonObject members) {
  members.insert(members.begin(), {{"schema", kReportSchema}, {"event", event}});
  return print_json_line(std::move(members)) + "\n";
}

void say(std::string_view event, std::string_view message, std::optional<int> exit_code = {}) {
  if (!in_json) return write_stderr("gpuinit: " + printable(message, kMaxMessage) + "\n");
  JsonObject members{{"message", message.substr(0, kMaxMessage)}};
  if (exit_code) members.emplace_back("exit_code", *exit_code);
  write_event(event, std::move(members));
}

}  // namespace

void write_stderr(std::string_view text) {
  if (dropped > 0) {
    // The line end is that of what was cut.
    const std::string note = in_json
                                 ? "\n" + event_line("dropped", {{"bytes", std::uint64_t{dropped}}})
                                 : "\ngpuinit: " + std::to_string(dropped) +
                                       " bytes were dropped here: nothing read standard error\n";
    if (write_with_patience(note) < note.size()) {
      dropped += text.size();
      return;
    }
    dropped = 0;
  }
  dropped = text.size() - write_with_patience(text);
}

void say_in_json() { in_json = true; }

bool says_in_json() { return in_json; }

void write_event(std::string_view event, JsonObject members) {
  write_stderr(event_line(event, std::move(members)));
}

void print_error(std::string_view message, int exit_code) { say("error", message, exit_code); }

void print_postmortem(std::string_view message, int exit_code) {
  say("postmortem", message, exit_code);
}

void print_notice(std::string_view message) { say("notice", message); }

void print_progress(std::string_view message) { say("progress", message); }

void renew_stderr_patience() { waited = {}; }

}  // namespace gpuinit::base
