#include "cli/output.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace gpuinit::cli {

namespace {

// How long a reader may stall before the rest is dropped.
constexpr int kPatienceMilliseconds = 2000;

// Never blocks where the kernel can promise that; elsewhere (terminals, kernels
// before 6.4) only for as long as another writer has taken the room that poll saw.
ssize_t write_some(int fd, std::string_view text) {
  iovec piece{const_cast<char*>(text.data()), std::min<std::size_t>(text.size(), PIPE_BUF)};
  const ssize_t written = ::pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
  if (written >= 0 || errno == EAGAIN || errno == EINTR || errno == EPIPE) return written;
  return ::write(fd, piece.iov_base, piece.iov_len);
}

}  // namespace

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("writing the report");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

void write_stderr(std::string_view text) {
  while (!text.empty()) {
    pollfd room{STDERR_FILENO, POLLOUT, 0};
    const int ready = ::poll(&room, 1, kPatienceMilliseconds);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return;
    const ssize_t written = write_some(STDERR_FILENO, text);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void print_error(std::string_view message) {
  std::string line = "gpuinit: ";
  line.append(message);
  if (!line.ends_with('\n')) line += '\n';
  write_stderr(line);
}

}  // namespace gpuinit::cli
