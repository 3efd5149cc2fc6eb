// A verb: what gpuinit is asked to do. Verbs are options, because every first word belongs
// to the user's command; launching it is the verb without an option.
#pragma once

#include <span>
#include <string_view>

#include "launch/inherited_state.h"

namespace gpuinit::cli {

struct CommandLine;

// What is given to a verb's function. Nothing of it is owned.
struct Invocation {
  const CommandLine& line;
  int argc;
  char** argv;
  const launch::InheritedState& inherited;
};

enum class Argument { kNone, kOptional, kRequired };

struct Verb {
  std::string_view option = "";         // "--check"; empty: launch
  std::string_view alias = "";          // "-h"; empty: no alias
  Argument argument = Argument::kNone;  // of the option: "--seal FILE", "--explain [ID]"
  Argument command;                     // whether a COMMAND is given; kNone refuses one
  // The options of some verbs only that it takes: "--root --node".
  std::string_view takes = "";
  // It blocks, catches and restores signals itself. For all others stop requests end
  // gpuinit at any time.
  bool handles_signals = false;
  std::string_view help = "";     // its line of --help; empty: named among the options
  int (*run)(const Invocation&);  // the exit code
};

extern const Verb kLaunch;

// In the order of --help, kLaunch first.
std::span<const Verb* const> verbs();

}  // namespace gpuinit::cli
