// A file without a "#!" line that a shell would run all the same.
#pragma once

#include <string_view>

namespace gpuinit::base {

inline constexpr char kShell[] = "/bin/sh";
inline constexpr std::string_view kElfMagic{
    "\x7f"
    "ELF"};

// The kernel refuses it (ENOEXEC), and execvp(3), hence tini, dumb-init and catatonit, gives it to
// kShell; as bash does only if its first line is text, so that a program of another machine is
// not read as commands. `head`: the first bytes of the file.
// Source: glibc, posix/execvpe.c, maybe_script_execute; bash, general.c, check_binary_file.
inline bool is_script_for_shell(std::string_view head) {
  return !head.empty() && !head.starts_with("#!") && !head.starts_with(kElfMagic) &&
         head.substr(0, head.find('\n')).find('\0') == std::string_view::npos;
}

}  // namespace gpuinit::base
