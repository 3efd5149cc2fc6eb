// The libcuda.so.1 that the loader will pick: the user-mode driver (UMD).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "gpuinit/result.h"

namespace gpuinit::node {

// "535.104.05" of "/usr/lib/…/libcuda.so.535.104.05"; no value if the name ends
// in no driver release (libcuda.so.1, or Tegra's and WSL's libcuda.so.1.1).
std::optional<std::string> release_in_name(std::string_view real_path);

// The JSON of a .note.cuda.fwd_compatibility section, e.g.
//   {"Format":1,"CUDA Version":"12.9","Driver":[535,550],"Device":[1,2]}
Result<CompatNote> parse_compat_note(std::string_view json);

// What torch's dlopen("libcuda.so.1") will get under `environment`.
//
// kind "stub": the toolkit's link-time library, which answers every call with an
// error: it lies below a directory `stubs`, or it needs no other library (every
// real driver calls libc).
// kind "forward-compat": from a cuda-compat package, a newer libcuda on an older
// kernel module: it lies in a compat directory of a CUDA installation, or carries
// NVIDIA's note and is of another release than the kernel module. (The note alone
// does not say so: a driver's own library may be the same build.)
// Source: NVIDIA container toolkit, cmd/nvidia-cdi-hook/cudacompat.
//
// Absent: the loader finds none. Unknown: the search met a file or cache that
// it could not read.
Fact<LibCuda> read_libcuda(const base::RootFs& fs,
                           const std::map<std::string, std::string>& environment,
                           const Fact<std::string>& kernel_version);

}  // namespace gpuinit::node
