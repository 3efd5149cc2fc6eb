// Becomes the user's command: a PATH search of our own and execve, nothing between.
//
// A script without a #! line is /bin/sh's, as with execvp(3); no other file that is not a program
// is fed to a shell.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "gpuinit/exit_codes.h"
#include "launch/command_files.h"

namespace gpuinit::launch {

struct CommandFilter;

// Why the command could not be executed.
struct ExecFailure {
  // 126: found but not executable, 127: not found, 78: its filter cannot be installed
  int exit_code = kExitNotFound;
  std::string message;  // one sentence with cause and next step
  // It is a script without a #! line: to be executed as words_for_shell(). `message` says so.
  bool shell_runs_it = false;
};

struct FoundCommand {
  std::string path;  // empty if not found, see `failure`
  ExecFailure failure;
};

// Where `name` is: itself if it holds a '/', else the first file on PATH that
// may be executed. A PATH that is not set (null) means kDefaultPath, an empty element
// the working directory.
FoundCommand find_command(const std::string& name, const CommandFiles& files = {},
                          const char* search_path = std::getenv("PATH"));
inline constexpr char kDefaultPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Executes `path` with `argv` and the environment of this process. Same pid,
// cwd, open files; the caller has put back mask and dispositions. `filter` (or null) is
// installed last; if that fails nothing is executed. Returns only if it failed, and then
// may be under the filter.
ExecFailure exec_command(const std::string& path, char* const* argv,
                         const CommandFilter* filter = nullptr);

// "/bin/sh", `path`, and the words behind argv[0]; nullptr at its end. Of what it points to nothing
// is owned.
std::vector<char*> words_for_shell(const std::string& path, char* const* argv);

// What execve of an executable file would come to, without executing it: exit code 0 unless it is
// no program and no script, or the interpreter of a script or the loader is not there or cannot be
// executed. What only the kernel can know (a file that cannot be read, emulators of other machines)
// counts as good.
ExecFailure expected_exec_failure(const std::string& path, const CommandFiles& files = {});

// Says why execve of an existing or missing `path` failed with `error` (errno).
ExecFailure describe_exec_failure(const std::string& path, int error,
                                  const CommandFiles& files = {});

}  // namespace gpuinit::launch
