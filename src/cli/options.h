// The command line: what the user asked for, as plain data.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.h"
#include "gpuinit/result.h"

namespace gpuinit::cli {

enum class Format { kText, kJson };

struct CommandLine {
  const Verb* verb = &kLaunch;
  std::string verb_argument;              // --seal's FILE, --explain's ID; empty: not given
  std::vector<std::string> policy_files;  // --policy, in order
  std::vector<std::string> set;           // --set, in order
  std::string root = "/";                 // --root
  std::string node_file;                  // --node
  std::string image_file;                 // --image
  std::string image_config;               // --image-config
  Format format = Format::kText;
  bool supervise = false;
  bool no_run = false;
  bool changed = false;
  bool quiet = false;
  bool verbose = false;
  // Index in argv of the command's first word; argc if there is no command.
  int command_index = 0;
};

// Options end at "--" or at the first word that is not one. An option is written
// "--name value" or "--name=value" and never abbreviated: a script must not
// change its meaning when a later version learns a new option. An error is a
// usage error; its message suggests the nearest option.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);

// What --help prints; fits a screen of 80 columns.
std::string help_text();

}  // namespace gpuinit::cli
