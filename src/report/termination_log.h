// The message of a failing end where Kubernetes looks for it: `kubectl describe` shows the file
// that `terminationMessagePath` names, /dev/termination-log by default.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::report {

// The kubelet shows the last 4096 bytes of the file.
// Source: kubernetes.io, "Determine the Reason for Pod Failure".
inline constexpr std::size_t kTerminationLogLimit = 4096;

struct TerminationMessage {
  int exit_code = 0;
  std::string_view cause;       // what decides it: a check's id, or the name of the exit code
  std::string_view needs = {};  // of that check, see Finding; may be empty
  std::string_view has = {};
  std::string text = {};  // for people: whole lines
};

// First a line for programs, "gpuinit 66 cuda.driver needs=12.8 has=11.4", then
// the text. One that is too long loses the lines before its last, which says the exit code.
std::string termination_text(const TerminationMessage& message);

// Replaces the content of the regular file at `path`; `if_empty`: leaves one that has any alone.
// Outside of Kubernetes there is no such file: then, and for an empty path, it does nothing and
// that is not an error. Never creates, never waits (FIFOs, devices and sockets are errors). An
// error here is worth a line, not an exit code.
enum class Replace { kAlways, kIfEmpty };
Status write_termination_log(const std::string& path, const TerminationMessage& message,
                             Replace replace = Replace::kAlways);

}  // namespace gpuinit::report
