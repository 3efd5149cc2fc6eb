// Runs a real interpreter and hears what it says about itself: the ground truth
// for the static reading.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/text.h"
#include "support/inputs_cache.h"

namespace gpuinit::test {

using Environment = std::map<std::string, std::string>;

// A Python program that prints what we read statically, one value a line.
// Entries of sys.path that do not exist are left out, "" is the working directory.
inline constexpr const char* kProbe =
    "import sys, os, sysconfig\n"
    "print('%d.%d.%d' % sys.version_info[:3] + {'alpha': 'a', 'beta': 'b', 'candidate': 'rc',"
    " 'final': ''}[sys.version_info[3]]"
    " + (str(sys.version_info[4]) if sys.version_info[3] != 'final' else ''))\n"
    "print(sysconfig.get_config_var('SOABI'))\n"
    "print(sys.prefix)\n"
    "print(sys.base_prefix)\n"
    "for p in sys.path:\n"
    "    p = p or os.getcwd()\n"
    "    if os.path.exists(p): print(p)\n";

struct Ran {
  int status = -1;     // exit status; 128+n: ended by signal n
  std::string output;  // of stdout
};

// Runs argv with exactly this environment; argv[0] is searched on its PATH.
inline Ran run(const std::vector<std::string>& argv, const Environment& environment,
               const std::string& directory) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 1);
    std::vector<char*> words;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::clearenv();
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (::chdir(directory.c_str()) == 0) ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Ran ran;
  char piece[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], piece, sizeof piece)) > 0;)
    ran.output.append(piece, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

struct Truth {
  std::string version;
  std::string soabi;
  std::string prefix;
  std::string base_prefix;
  std::vector<std::string> sys_path;
};

// From the output of kProbe.
inline Truth parse_truth(const std::string& output) {
  std::vector<std::string> lines;
  for (auto line : base::split_lines(output)) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() < 4) throw std::runtime_error("the interpreter did not answer: " + output);
  return {lines[0], lines[1], lines[2], lines[3], {lines.begin() + 4, lines.end()}};
}

}  // namespace gpuinit::test
