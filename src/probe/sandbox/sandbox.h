// The sandbox that a probe's process runs in: it can neither change the machine nor leave its
// process group, and whatever it tries is known by name.
//
//   seccomp filter   refuses what no probe has any business with (sandbox_calls.h):
//                    the network, mounts, namespaces, tracing, signals to others, kernel
//                    modules, …. Calls that are neither refused nor expected go through.
//                    A listener in gpuinit learns the names of both kinds.
//   Landlock         (Linux 5.13) lets it write only where the driver, or importing a
//                    package, must: see writable_paths(). What it refuses fails with
//                    EACCES and is not named.
//                    The Python probe has a directory of its own for temporary files.
//   no_new_privs     no setuid program gives it more than it has.
//   no tracing       CAP_SYS_PTRACE is dropped, and gpuinit is not dumpable meanwhile: its memory
//                    under /proc is closed to a probe, with Landlock or without.
//
// Where there is no Landlock the seccomp filter refuses what it can see of changes to
// files, with EROFS: for Python every call that makes, removes, renames or truncates
// something by path, or opens it for writing; for CUDA those of them that no libcuda makes.
// It cannot see paths: CUDA may then create and write any file that its user may. On kernels
// before 6.2 Landlock does not control truncate(2) either.
//
// Where there is no listener (Linux before 5.5; another one watches this container
// already) calls are refused all the same, and their names are not known.
//
// Not restricted: reading, memory and processor time (the deadline ends it; the OOM killer
// takes it first), what the kernel driver does through ioctl on its own device files.
#pragma once

#include <string>
#include <vector>

#include "gpuinit/policy.h"
#include "gpuinit/result.h"

namespace gpuinit::probe {

struct Sandbox {
  enum class Kind { kCuda, kPython };
  Kind kind = Kind::kCuda;
  ProbeSandbox level = ProbeSandbox::kRequired;
  // Files, and directories with all beneath them, that may be written besides those that
  // every probe of this kind may write.
  std::vector<std::string> writable;
};

// A path that may be written, if it exists.
struct WritablePath {
  enum class How {
    kEverything,  // files may be made, changed and removed beneath it
    kContents,    // what is there, or beneath, may be opened for writing
    kDevices,     // the same, and character devices may be made
  };
  std::string path;
  How how = How::kEverything;
};

// `environment` as the program gets it ("NAME=value"); `task`: "/proc/self/task", where
// threads get their names.
std::vector<WritablePath> writable_paths(const Sandbox& sandbox,
                                         const std::vector<std::string>& environment);

// The version of this kernel's Landlock; 0 if it is missing or switched off.
int landlock_version();

// Landlock for this thread. Needs no_new_privs and two free descriptors. Paths that are not
// there are passed over; any other error leaves everything as it was.
Status restrict_writes(int version, const std::vector<WritablePath>& writable);

}  // namespace gpuinit::probe
