// gpuinit: parse the command line, and give the word to the verb. Only this file ends the
// process.
#include <string_view>

#include "base/log.h"
#include "base/standard_error.h"
#include "cli/options.h"
#include "cli/terminate_handler.h"
#include "cli/verb_support.h"
#include "launch/end_on_signal.h"
#include "launch/inherited_state.h"

namespace gpuinit::cli {
namespace {

// Of a command line that is wrong. Two words that are no options stand where COMMAND has begun.
bool asks_for_json(int argc, const char* const* argv) {
  bool was_option = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") return false;
    if (word == "--format=json" || (word == "json" && std::string_view(argv[i - 1]) == "--format"))
      return true;
    if (!was_option && !word.starts_with('-')) return false;
    was_option = word.starts_with('-');
  }
  return false;
}

int run(int argc, char** argv, const launch::InheritedState& inherited) {
  const auto line = parse_command_line(argc, argv);
  if (line ? line->format == Format::kJson : asks_for_json(argc, argv)) base::say_in_json();
  if (!line) return usage_error(line.error());
  if (line->verbose) base::enable_verbose_log();
  const Invocation invocation{*line, argc, argv, inherited};
  if (line->verb->handles_signals) return line->verb->run(invocation);
  // As PID 1 of an init container the kernel would not let SIGTERM end us.
  const launch::EndOnSignal anytime(inherited, launch::kStopRequests);
  inherited.restore_all_but_pipe();
  return line->verb->run(invocation);
}

}  // namespace
}  // namespace gpuinit::cli

int main(int argc, char** argv) {
  const gpuinit::launch::InheritedState inherited;
  gpuinit::cli::install_terminate_handler();
  return gpuinit::cli::run(argc, argv, inherited);
}
