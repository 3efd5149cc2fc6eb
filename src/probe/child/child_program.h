// What a child process runs, and how it becomes that program. Used between fork and exec.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "probe/sandbox/sandbox.h"

namespace gpuinit::probe {

class SyscallMonitor;

struct ChildProgram {
  std::string name;            // argv[0], and the name of the file that carries `image`
  std::string installed_path;  // run if it is there and safe to run (see below); may be empty
  // Otherwise these bytes: an ELF program; must outlive the child's start. Empty if there is
  // only the installed file.
  std::string_view image;
  // True if the installed file is what the command itself will run: it may be anyone's then.
  bool for_the_command = false;
  std::string directory = "/";           // to run in
  std::vector<std::string> arguments;    // after argv[0]
  std::vector<std::string> environment;  // "NAME=value"
  // Where an image may be put when memfd_create is refused, most volatile first.
  std::vector<std::string> scratch_directories{"/run", "/dev/shm", "/tmp", "/var/tmp"};
  Sandbox sandbox;
  std::string loader_needs;  // what its loader must find, in words; may be empty
};

// Becomes the program; returns only if that was refused everywhere. Tries in this order
//   1. installed_path: a regular, executable file that belongs to root or to us and that
//      no one else may write;
//   2. a memfd: works on read-only file systems, with noexec mounts and without /proc, but
//      not under vm.memfd_noexec=2 nor some security modules;
//   3. an unlinked file in the first of the scratch directories that can have one and is not
//      mounted noexec; only where a memfd cannot be made or may not be executed.
// Each by execveat, where that system call is refused by execve of /proc/self/fd/N. The
// files are all made before the process enters its sandbox, in which it could not make them.
//
// ENOENT at exec ends the search: the program is there, so what the image lacks is its loader,
// and no other way of carrying it helps.
class ProgramExec {
 public:
  explicit ProgramExec(const ChildProgram& program);

  // Requires: file descriptors above 2 that may be closed on exec, room for two more.
  // `enter_sandbox` is called once, last before the first exec; returns false to give up.
  void run(const std::function<bool()>& enter_sandbox);

  const char* directory() const { return program_.directory.c_str(); }

  // After run(): what was refused, all of it: "memfd: Permission denied; /run: …".
  const std::string& refusals() const { return refusals_; }
  // True if the program was there and its loader was not.
  bool no_loader() const { return no_loader_; }

 private:
  struct Carrier {
    base::UniqueFd fd;  // the program
    std::string where;
  };

  bool exec_file(int fd, const char* where);
  void find_installed();
  bool make_memfd();
  bool make_in(const std::string& directory);
  int unlinked_file(const std::string& directory);
  void refused(const char* where, int error);

  const ChildProgram& program_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<Carrier> carriers_;
  std::string refusals_;
  bool no_loader_ = false;
};

// Runs in the child: makes it a clean process, puts it into its sandbox and becomes the
// program. Says `not-started …` on the pipe if that is refused. `parent`: getpid() before
// fork. (child_setup.cpp)
[[noreturn]] void become(ProgramExec& exec, SyscallMonitor& monitor, int pipe, pid_t parent);

}  // namespace gpuinit::probe
