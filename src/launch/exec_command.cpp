#include "launch/exec_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "launch/command_filter.h"

namespace gpuinit::launch {

namespace {

// 0 if `path` may be executed, else the errno that says why not.
int executable_error(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

FoundCommand find_command(const std::string& name) {
  if (name.empty())
    return {
        "",
        {kExitNotFound, "the command's name is empty: check the ENTRYPOINT, CMD or `command:`"}};
  if (name.find('/') != std::string::npos) {
    const int error = executable_error(name);
    if (error == 0) return {name, {}};
    return {"", describe_exec_failure(name, error)};
  }
  const char* set = std::getenv("PATH");
  const std::string path = set != nullptr ? set : kDefaultPath;
  std::string refused;  // found, but not executable: reported if nothing better comes
  int refused_error = 0;
  for (const auto directory : base::split(path, ':')) {
    std::string candidate(directory.empty() ? "." : directory);
    candidate.append("/").append(name);
    const int error = executable_error(candidate);
    if (error == 0) return {std::move(candidate), {}};
    if (refused.empty() && (error == EACCES || error == EISDIR || is_unread(error))) {
      refused = std::move(candidate);
      refused_error = error;
    }
  }
  if (!refused.empty()) return {"", describe_exec_failure(refused, refused_error)};
  return {"",
          {kExitNotFound,
           "`" + base::printable(name) + "` is not on PATH (" + base::printable(path) + ")"}};
}

ExecFailure exec_command(const std::string& path, char* const* argv, const CommandFilter* filter) {
  if (filter != nullptr)
    if (const int refused = enter(*filter); refused != 0) return describe_refused_filter(refused);
  ::execve(path.c_str(), argv, environ);
  const int error = errno;
  // A file that the filter hides would be reported as missing.
  if (filter != nullptr && !allows_diagnosis(*filter))
    return {error == ENOENT ? kExitNotFound : kExitNotExecutable,
            base::printable(path) + ": " + std::strerror(error)};
  return describe_exec_failure(path, error);
}

}  // namespace gpuinit::launch
