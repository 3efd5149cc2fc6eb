#include "launch/exec_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/script_text.h"
#include "base/text.h"
#include "launch/command_filter.h"

namespace gpuinit::launch {

FoundCommand find_command(const std::string& name, const CommandFiles& files,
                          const char* search_path) {
  if (name.empty())
    return {
        "",
        {kExitNotFound, "the command's name is empty: check the ENTRYPOINT, CMD or `command:`"}};
  if (name.find('/') != std::string::npos) {
    const int error = files.executable_error(name);
    if (error == 0) return {name, {}};
    return {"", describe_exec_failure(name, error, files)};
  }
  const std::string path = search_path != nullptr ? search_path : kDefaultPath;
  std::string refused;  // found, but not executable: reported if nothing better comes
  int refused_error = 0;
  for (const auto directory : base::split(path, ':')) {
    std::string candidate(directory.empty() ? "." : directory);
    candidate.append("/").append(name);
    const int error = files.executable_error(candidate);
    if (error == 0) return {std::move(candidate), {}};
    if (refused.empty() && (error == EACCES || error == EISDIR || is_unread(error))) {
      refused = std::move(candidate);
      refused_error = error;
    }
  }
  if (!refused.empty()) return {"", describe_exec_failure(refused, refused_error, files)};
  return {"",
          {kExitNotFound,
           "`" + base::printable(name) + "` is not on PATH (" + base::printable(path) + ")"}};
}

std::vector<char*> words_for_shell(const std::string& path, char* const* argv) {
  std::vector<char*> words{const_cast<char*>(base::kShell), const_cast<char*>(path.c_str())};
  for (char* const* word = argv + 1; *argv != nullptr && *word != nullptr; ++word)
    words.push_back(*word);
  words.push_back(nullptr);
  return words;
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
