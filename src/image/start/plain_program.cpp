#include "image/start/plain_program.h"

#include <algorithm>

#include "base/root_fs.h"
#include "base/text.h"
#include "image/start/words.h"

namespace gpuinit::image {

namespace {

// Programs of the base system and package managers. What is not listed may need a GPU.
constexpr std::string_view kPlain =
    " [ apk apt apt-cache apt-get awk base64 basename bash cat chgrp chmod chown clear cmp "
    "conda cp curl cut dash date dd df diff dirname dmesg dnf dpkg du echo egrep env expr false "
    "fgrep file free gawk git grep gunzip gzip head hostname htop id ip kill less ln locale "
    "ls lsblk lscpu lsof lspci mamba md5sum micromamba mkdir mktemp more mount mv nano nc netstat "
    "nproc nvidia-debugdump nvidia-smi openssl passwd pdm ping pipenv pipx poetry printenv printf "
    "ps pwd readlink realpath rm rmdir rpm rsync scp sed seq sh sha256sum sleep "
    "sort ss ssh ssh-keygen sshd stat strings sync tail tar tee test top touch tr true tty "
    "umount uname uniq unzip uptime uv vi vim wc wget which who whoami yum zip ";

constexpr std::string_view kPlainModules =
    " compileall ensurepip http.server json.tool pip py_compile site sysconfig tarfile this "
    "timeit venv virtualenv zipfile ";

// Written in Python, and not the command's own program.
constexpr std::string_view kPlainScripts =
    " conda hatch mamba pdm pipenv pipx poetry rye uv uvx virtualenv ";

// "pip", "pip3", "pip3.12"
bool is_pip(std::string_view name) {
  return name.starts_with("pip") &&
         name.find_first_not_of("0123456789.", 3) == std::string_view::npos;
}

std::string shown(std::string_view name) { return "`" + base::printable(name, 60) + "`"; }

bool asks_for_help(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && (arguments[0] == "-h" || arguments[0] == "--version" ||
                                arguments[0] == "-V" || arguments[0] == "version"))
    return true;
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--help") != end;
}

}  // namespace

std::string plain_program(std::string_view name, const std::vector<std::string>& arguments) {
  if (has_word(kPlain, name)) return shown(name) + " needs no GPU";
  if (asks_for_help(arguments)) return shown(name) + " is only asked for its help";
  return "";
}

std::string plain_python_program(const PythonProgram& program,
                                 const std::vector<std::string>& arguments) {
  using Runs = PythonOptions::Runs;
  const PythonOptions& options = program.options;
  if (options.runs == Runs::kNothing) return "Python is only asked for its version or help";
  const std::string_view name = base::basename(options.program);
  if (options.runs == Runs::kModule && has_word(kPlainModules, options.program))
    return shown("-m " + options.program) + " needs no GPU";
  if (options.runs == Runs::kScript && (is_pip(name) || has_word(kPlainScripts, name)))
    return shown(name) + " needs no GPU";
  if ((options.runs == Runs::kModule || options.runs == Runs::kScript) && asks_for_help(arguments))
    return shown(program.runs) + " is only asked for its help";
  return "";
}

}  // namespace gpuinit::image
