// gpuinit: parse the command line, and give the word to the verb. Only this file ends the
// process.
#include "base/log.h"
#include "cli/options.h"
#include "cli/terminate_handler.h"
#include "cli/verb_support.h"
#include "launch/end_on_signal.h"
#include "launch/inherited_state.h"

namespace gpuinit::cli {
namespace {

int run(int argc, char** argv, const launch::InheritedState& inherited) {
  const auto line = parse_command_line(argc, argv);
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
