// The one table of exit codes. A scheduler acts on them, so they never change
// meaning. 64 to 78 follow sysexits.h, 126 and up follow the shell.
#pragma once

#include <array>
#include <string_view>

namespace gpuinit {

enum ExitCode : int {
  kExitGood = 0,
  kExitUsage = 64,
  kExitImage = 65,
  kExitFit = 66,
  kExitNode = 69,
  kExitInternal = 70,
  kExitNotReady = 75,
  kExitPermission = 77,
  kExitPolicy = 78,
  kExitNotExecutable = 126,
  kExitNotFound = 127,
  kExitSignalBase = 128,
};

struct ExitCodeInfo {
  int code;
  std::string_view name;
  std::string_view meaning;
  std::string_view retry;  // what a scheduler should do
};

inline constexpr std::array<ExitCodeInfo, 12> kExitCodes{{
    {kExitGood, "good", "the verdict is good", "-"},
    {kExitUsage, "usage", "the command line is wrong", "fix the command line"},
    {kExitImage, "image", "the image contradicts itself", "never: rebuild the image"},
    {kExitFit, "fit", "image and node do not fit", "on another kind of node"},
    {kExitNode, "node", "the node has no usable driver or GPU", "on another node"},
    {kExitInternal, "internal", "gpuinit's own error", "report it"},
    {kExitNotReady, "not-ready", "not ready yet, busy or timed out", "yes, later"},
    {kExitPermission, "permission", "a device may not be opened",
     "in a new container, with the device allowed"},
    {kExitPolicy, "policy", "the policy has an error", "fix the policy"},
    {kExitNotExecutable, "not-executable", "COMMAND was found but cannot be executed",
     "never: fix the image"},
    {kExitNotFound, "not-found", "COMMAND was not found", "never: fix the command"},
    {kExitSignalBase, "signal", "128+n: ended by signal n", "as the command's owner sees fit"},
}};

// Of two failure classes the one that retrying helps least; 0 loses to all.
// Order: 65 no retry helps, 66 needs another kind of node, 77 a new container,
// 69 another node of the same kind, 75 only time.
constexpr int retry_rank(int code) {
  switch (code) {
    case kExitImage:
      return 5;
    case kExitFit:
      return 4;
    case kExitPermission:
      return 3;
    case kExitNode:
      return 2;
    case kExitNotReady:
      return 1;
    default:
      return 0;
  }
}

constexpr int least_retryable(int a, int b) { return retry_rank(b) > retry_rank(a) ? b : a; }

}  // namespace gpuinit
