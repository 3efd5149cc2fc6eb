// gpuinit --record FILE -- COMMAND: runs the command, writes down what it read.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/byte_size.h"
#include "base/unique_fd.h"
#include "cli/output.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "launch/exec_command.h"
#include "warmup/recorder.h"
#include "warmup/recording.h"

namespace gpuinit::cli {

namespace {

// 0644, as a RUN line of a Dockerfile wants it: another user may start the container.
Status write_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".gpuinit-new";
  const base::UniqueFd fd(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return errno_error(beside);
  Status written = write_all(fd.get(), text);
  if (!written) {
    ::unlink(beside.c_str());
    return std::move(written).error().context(beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const Error error = errno_error(path);
    ::unlink(beside.c_str());
    return error;
  }
  return Done{};
}

// What a later launch will read for its checks is recorded with the command. It reads the
// image only: the driver has nothing on disk that an image knows of.
void gather_recorded(const Invocation& invocation, Policy policy) {
  policy.gpu.required = GpuRequired::kNo;
  policy.python.probe = PythonProbe::kOff;
  assess::Timings timings;
  (void)assess::gather_facts(assess_request(invocation), policy, timings);
}

// The command's own exit code, if the recording could be written. It is written beside
// FILE and moved there when complete: FILE is never half a recording.
int record(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  auto loaded = load_policy(line);
  if (!loaded) return policy_error(loaded.error());
  const auto command = launch::find_command(invocation.argv[line.command_index]);
  if (command.path.empty()) {
    print_error(command.failure.message);
    return command.failure.exit_code;
  }
  warmup::RecordRequest request;
  request.path = command.path;
  request.argv = invocation.argv + line.command_index;
  request.check = [&] { gather_recorded(invocation, loaded->policy); };
  request.restore_signals = [&] { invocation.inherited.restore(); };
  auto recorded = warmup::record(request);
  if (!recorded) {
    print_error("--record: " + recorded.error().message);
    return kExitInternal;
  }
  if (recorded->exec_errno != 0) {
    const auto failure = launch::describe_exec_failure(command.path, recorded->exec_errno);
    print_error(failure.message);
    return failure.exit_code;
  }
  const Status written = write_file(line.verb_argument, warmup::recording_text(recorded->plan));
  if (!written) {
    print_error("--record: " + written.error().message);
    return kExitInternal;
  }
  if (!line.quiet)
    print_error("recorded " + base::whole_mebibytes(warmup::total_bytes(recorded->plan)) + " of " +
                std::to_string(recorded->plan.files.size()) + " files in " + line.verb_argument);
  return recorded->exit_code;
}

}  // namespace

extern const Verb kRecord{
    .option = "--record",
    .argument = Argument::kRequired,
    .command = Argument::kRequired,
    .handles_signals = true,
    .help = "       gpuinit --record FILE [--] COMMAND...      what a cold start reads\n",
    .run = record,
};

}  // namespace gpuinit::cli
