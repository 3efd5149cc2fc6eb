// Runs a program under ptrace and lets one of its reading system calls fail, as storage does: a
// lazily pulled image, NFS, a dying disk; or a process without descriptors or memory.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "base/unique_fd.h"

namespace gpuinit::test {

struct FailingRead {
  std::size_t index = 0;    // of the reading calls below the root, from 0
  int error = 0;            // 0: none fails
  bool persistent = false;  // that call, and every later one on the same path
};

struct RanFailing {
  int exit_code = -1;             // 128 + n when signal n ended it
  std::string out;                // and what was said on standard error
  std::vector<std::string> read;  // the path of each reading call below the root
};

class FailingProgram {
 public:
  // Only what lies below `root` counts.
  FailingProgram(std::vector<std::string> argv, std::string root)
      : argv_(std::move(argv)), root_(std::move(root)) {}

  RanFailing run(const FailingRead& failing) {
    const base::UniqueFd out(::memfd_create("out", MFD_CLOEXEC));
    pid_ = ::fork();
    if (pid_ == 0) exec(out.get());
    RanFailing ran;
    int status = 0;
    wait(status);
    ::ptrace(PTRACE_SETOPTIONS, pid_, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    std::string broken;       // path that fails from now on
    bool fails_here = false;  // the call that the program is in
    while (true) {
      ::ptrace(PTRACE_SYSCALL, pid_, 0, WIFSTOPPED(status) ? signal_of(status) : 0);
      wait(status);
      if (!WIFSTOPPED(status)) break;
      if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
      __ptrace_syscall_info info{};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        const std::string path = path_of(info);
        if (!path.starts_with(root_ + "/")) continue;
        const bool is_it = failing.error != 0 && ran.read.size() == failing.index;
        ran.read.push_back(path);
        fails_here = is_it || (!broken.empty() && path == broken);
        if (is_it && failing.persistent) broken = path;
        if (fails_here) set_number(-1);
      } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && fails_here) {
        set_result(-failing.error);
        fails_here = false;
      }
    }
    ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    char piece[65536];
    for (ssize_t got;
         (got = ::pread(out.get(), piece, sizeof piece, static_cast<off_t>(ran.out.size()))) > 0;)
      ran.out.append(piece, static_cast<std::size_t>(got));
    return ran;
  }

 private:
  [[noreturn]] void exec(int out) {
    ::dup2(out, 1);
    ::dup2(out, 2);
    std::vector<char*> words;
    for (auto& word : argv_) words.push_back(word.data());
    words.push_back(nullptr);
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", home[] = "HOME=/root";
    char* environment[] = {path, home, nullptr};
    ::alarm(20);
    ::ptrace(PTRACE_TRACEME, 0, 0, 0);
    ::execve(words[0], words.data(), environment);
    ::_exit(250);
  }

  void wait(int& status) const {
    if (::waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid");
  }

  static long signal_of(int status) {
    const int signal = WSTOPSIG(status);
    return signal == SIGTRAP || signal == (SIGTRAP | 0x80) ? 0 : signal;
  }

  std::string text_at(std::uint64_t address) const {
    std::string text;
    while (text.size() < PATH_MAX) {
      const long word = ::ptrace(PTRACE_PEEKDATA, pid_, address + text.size(), 0);
      const auto* bytes = reinterpret_cast<const char*>(&word);
      for (std::size_t i = 0; i < sizeof word; ++i) {
        if (bytes[i] == '\0') return text;
        text += bytes[i];
      }
    }
    return text;
  }

  std::string path_of_fd(int fd) const {
    const std::string link =
        "/proc/" + std::to_string(pid_) + (fd == AT_FDCWD ? "/cwd" : "/fd/" + std::to_string(fd));
    char target[PATH_MAX];
    const ssize_t length = ::readlink(link.c_str(), target, sizeof target);
    return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
  }

  // Empty if it is no call that reads.
  std::string path_of(const __ptrace_syscall_info& info) const {
    const auto& args = info.entry.args;
    const int fd = static_cast<int>(args[0]);
    switch (info.entry.nr) {
      case SYS_read:
      case SYS_pread64:
      case SYS_preadv2:
      case SYS_getdents64:
      case SYS_fstat:
        return path_of_fd(fd);
      case SYS_openat:
      case SYS_openat2:
      case SYS_newfstatat:
      case SYS_readlinkat:
      case SYS_statx:
      case SYS_faccessat:
      case SYS_faccessat2: {
        const std::string name = text_at(args[1]);
        // openat2 takes "/a" as below its directory.
        const bool in_root = info.entry.nr == SYS_openat2 && name.starts_with('/');
        if (name.starts_with('/') && !in_root) return base::normalize(name);
        return base::normalize(path_of_fd(fd) + "/" + name);
      }
      default:
        return "";
    }
  }

  void set_number(long number) const { change(&user_regs_struct::orig_rax, number); }
  void set_result(long result) const { change(&user_regs_struct::rax, result); }
  void change(unsigned long long user_regs_struct::*field, long value) const {
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, pid_, 0, &registers);
    registers.*field = static_cast<unsigned long long>(value);
    ::ptrace(PTRACE_SETREGS, pid_, 0, &registers);
  }

  std::vector<std::string> argv_;
  std::string root_;
  pid_t pid_ = -1;
};

}  // namespace gpuinit::test
