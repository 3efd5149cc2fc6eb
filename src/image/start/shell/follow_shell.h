// What a shell runs: its options, the files it reads first, its script or -c text. Nothing is run;
// what depends on more than the environment, the arguments and the files of the image is unclear.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/image_facts.h"
#include "gpuinit/result.h"
#include "image/start/exec.h"

namespace gpuinit::image {

struct ShellOutcome {
  enum class Kind {
    kRuns,         // `exec` is the program that the shell becomes, or runs last and waits for
    kInteractive,  // it reads commands from its standard input
    kEnds,         // the script ends without a program: `sh -c 'echo done'`
  };
  Kind kind = Kind::kEnds;
  Exec exec;                     // of kRuns
  std::string place;             // of kRuns: "/entry.sh:12", "bash -c"
  std::vector<StartStep> steps;  // files that were sourced, environments activated
};

// `shell`: its argv[0] is a shell, whose file is `path`. An error, one clause that names place and
// construct, if it cannot be followed: "/entry.sh:12 (an `if`)".
Result<ShellOutcome> follow_shell(const base::RootFs& fs, const std::string& path,
                                  const Exec& shell);

// sh, bash, dash, ash, zsh, ksh, by the file's base name.
bool is_shell_name(const std::string& path);

}  // namespace gpuinit::image
