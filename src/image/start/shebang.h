// The first lines of a script: which program the kernel starts for it.
// Source: Linux, fs/binfmt_script.c; execve(2), "Interpreter scripts".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gpuinit::image {

struct Shebang {
  std::string interpreter;
  std::string argument;  // all of the rest as one word; may be empty
};

// `head`: the first bytes of the file, 256 or more if it has them. nullopt if
// the kernel would not start it as a script.
std::optional<Shebang> parse_shebang(std::string_view head);

// pip and uv cannot write a long path, or one with blanks, into a shebang; they
// write a shell script that is also valid Python:
//   #!/bin/sh
//   '''exec' "/a long/path/bin/python" "$0" "$@"
//   ' '''
// Yields the Python path; "$(dirname -- "$(realpath -- "$0")")" (uv's relocatable
// form) becomes the directory `script_directory`. nullopt if it is any other script.
// Source: pip, vendor/distlib/scripts.py; uv, crates/uv-install-wheel.
std::optional<std::string> parse_exec_trampoline(std::string_view head,
                                                 std::string_view script_directory);

}  // namespace gpuinit::image
