// The libcuda.so.1 that the loader will pick: the user-mode driver (UMD).
#pragma once

#include <map>
#include <string>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

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

// NVIDIA's management library, which the container runtime brings for the capability
// `utility`, whether or not it brings libcuda. Absent and unknown as above.
Fact<std::string> find_libnvidia_ml(const base::RootFs& fs,
                                    const std::map<std::string, std::string>& environment);

}  // namespace gpuinit::node
