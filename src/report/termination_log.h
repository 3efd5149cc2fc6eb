// A failing report where Kubernetes looks for it: `kubectl describe` shows the
// file that `terminationMessagePath` names, /dev/termination-log by default.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::report {

// The kubelet shows the last 4096 bytes of the file. The cause is in the first
// lines, so a longer text is cut here, at the end.
// Source: kubernetes.io, "Determine the Reason for Pod Failure".
inline constexpr std::size_t kTerminationLogLimit = 4096;

// Replaces the content of the regular file at `path` with `text`. Outside of
// Kubernetes there is no such file: then, and for an empty path, it does
// nothing and that is not an error. Never creates, never waits (FIFOs, devices and
// sockets are errors). An error here is worth a log line, not an exit code.
Status write_termination_log(const std::string& path, std::string_view text);

}  // namespace gpuinit::report
