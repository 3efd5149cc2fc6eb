// gpuinit --seal FILE [-- COMMAND]: the image's facts with their witnesses, and what running the
// command touches.

#include "base/byte_size.h"
#include "base/script_text.h"
#include "base/standard_error.h"
#include "base/write_whole_file.h"
#include "cli/verb_support.h"
#include "facts/seal_file.h"
#include "gpuinit/exit_codes.h"
#include "gpuinit/schema.h"
#include "launch/exec_command.h"
#include "warmup/recorder.h"
#include "warmup/recording.h"

namespace gpuinit::cli {

namespace {

struct Run {
  int exit_code = kExitGood;
  bool failed = false;         // the command could not be run
  std::string recording = {};  // empty: nothing was run
  std::uint64_t recorded_bytes = 0;
};

// Runs the command and records what it touches.
Run record_run(const warmup::RecordRequest& request) {
  auto recorded = warmup::record(request);
  if (!recorded) {
    const int exit_code = exit_code_of(recorded.error());
    base::print_error("--seal: " + recorded.error().message + "; --no-run seals without it",
                      exit_code);
    return {exit_code, true};
  }
  if (recorded->exec_errno != 0) {
    const auto failure = launch::describe_exec_failure(request.path, recorded->exec_errno);
    if (!failure.shell_runs_it) {
      base::print_error(failure.message, failure.exit_code);
      return {failure.exit_code, true};
    }
    base::print_notice(failure.message);
    const std::vector<char*> words = launch::words_for_shell(request.path, request.argv);
    return record_run({base::kShell, words.data(), request.restore_signals});
  }
  return {recorded->exit_code, false, warmup::recording_text(recorded->plan),
          warmup::total_bytes(recorded->plan)};
}

Run run_command(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  const auto command = launch::find_command(invocation.argv[line.command_index]);
  if (command.path.empty()) {
    base::print_error(command.failure.message, command.failure.exit_code);
    return {command.failure.exit_code, true};
  }
  warmup::RecordRequest request;
  request.path = command.path;
  request.argv = invocation.argv + line.command_index;
  request.restore_signals = [&] { invocation.inherited.restore(); };
  return record_run(request);
}

std::uint64_t witnesses_of(const Seal& seal) {
  std::uint64_t witnesses = 0;
  for (const WitnessDirectory& directory : seal.witnesses)
    witnesses += directory.names.size() + (directory.listed ? 1 : 0);
  return witnesses;
}

std::string summary(const Seal& seal) {
  const ImageFacts& image = seal.pythons.front().facts;
  std::string text = image.interpreter->path + " (" + image.interpreter->chosen_because + ")";
  if (image.torch) text += " with torch " + image.torch->version.value_or("of unknown version");
  return text + ", " + std::to_string(witnesses_of(seal)) + " witnesses";
}

// On one line: the command may have written on standard output before.
std::string seal_json(const CommandLine& line, const Seal& seal, const Run& run) {
  const ImageFacts& image = seal.pythons.front().facts;
  return base::print_json_line(base::JsonObject{
             {"schema", kReportSchema},
             {"gpuinit", GPUINIT_VERSION},
             {"seal", line.verb_argument},
             {"interpreter", image.interpreter->path},
             {"torch", image.torch ? base::Json(image.torch->version.value_or("")) : base::Json()},
             {"witnesses", witnesses_of(seal)},
             {"recorded_bytes", run.recorded_bytes},
             {"exit_code", run.exit_code}}) +
         "\n";
}

int not_written(const Error& error) {
  base::print_error("--seal: " + error.message, exit_code_of(error));
  return exit_code_of(error);
}

// The command's own exit code, if the seal could be written.
int seal(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  auto loaded = load_policy(line);
  if (!loaded) return policy_errors(loaded.error());
  auto request = image_request(invocation);
  if (!request) return usage_error(request.error());
  if (const Status may = base::may_be_written(line.verb_argument); !may)
    return not_written(may.error());
  Run run;
  // Before the image is read: Python compiles modules when it first imports them.
  if (line.command_index < invocation.argc && !line.no_run && line.root == "/")
    run = run_command(invocation);
  if (run.failed) return run.exit_code;
  const auto seal = assess::seal_image(*request, loaded->policy);
  if (!seal) {
    const int exit_code = is_unread(seal.error().code) ? kExitNotReady : kExitImage;
    base::print_error("--seal: " + seal.error().message, exit_code);
    return exit_code;
  }
  const Status written =
      base::write_whole_file(line.verb_argument, facts::seal_text(*seal, run.recording));
  if (!written) return not_written(written.error());
  if (line.format == Format::kJson) return print(seal_json(line, *seal, run), run.exit_code);
  if (!line.quiet)
    base::print_notice("sealed in " + line.verb_argument + ": " + summary(*seal) +
                       (run.recording.empty()
                            ? ""
                            : ", and a recording of " + base::whole_mebibytes(run.recorded_bytes)));
  return run.exit_code;
}

}  // namespace

extern const Verb kSeal{
    .option = "--seal",
    .argument = Argument::kRequired,
    .command = Argument::kOptional,
    .takes = "--root --image-config --no-run",
    .handles_signals = true,
    .help = "       gpuinit --seal FILE [--no-run] [-- COMMAND...]  last step of a build\n",
    .run = seal,
};

}  // namespace gpuinit::cli
