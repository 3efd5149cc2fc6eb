// Runs a real interpreter and hears what it says about itself: the ground truth
// for the static reading.
#pragma once

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/text.h"
#include "support/inputs_cache.h"
#include "support/run_program.h"

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

// Runs argv with exactly this environment; argv[0] is searched on its PATH.
inline Ran run(const std::vector<std::string>& argv, const Environment& environment,
               const std::string& directory) {
  const auto path = environment.find("PATH");
  RunOptions options{environment, true, directory, std::chrono::minutes(5), {}};
  if (path != environment.end())
    options.in_child = [&] { ::setenv("PATH", path->second.c_str(), 1); };
  return run_program(argv, options);
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
