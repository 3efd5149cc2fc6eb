#include "record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/unique_fd.h"
#include "gpuinit/exit_codes.h"
#include "launch/exec_command.h"
#include "output.h"
#include "warmup/recorder.h"
#include "warmup/recording.h"

namespace gpuinit {

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

}  // namespace

int record(const CommandLine& line, char* const* argv, const launch::InheritedState& inherited) {
  const auto command = launch::find_command(argv[line.command_index]);
  if (command.path.empty()) {
    complain(command.failure.message);
    return command.failure.exit_code;
  }
  warmup::RecordRequest request;
  request.path = command.path;
  request.argv = argv + line.command_index;
  request.restore_signals = [&inherited] { inherited.restore(); };
  auto recorded = warmup::record(request);
  if (!recorded) {
    complain("--record: " + recorded.error().message);
    return kExitInternal;
  }
  if (recorded->exec_errno != 0) {
    const auto failure = launch::describe_exec_failure(command.path, recorded->exec_errno);
    complain(failure.message);
    return failure.exit_code;
  }
  const Status written = write_file(line.recording, warmup::recording_text(recorded->plan));
  if (!written) {
    complain("--record: " + written.error().message);
    return kExitInternal;
  }
  if (!line.quiet)
    complain("recorded " + std::to_string(warmup::total_bytes(recorded->plan) >> 20) + " MiB of " +
             std::to_string(recorded->plan.size()) + " files in " + line.recording);
  return recorded->exit_code;
}

}  // namespace gpuinit
