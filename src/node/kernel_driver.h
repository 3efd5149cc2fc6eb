// Which NVIDIA kernel module is loaded: the kernel-mode driver (KMD).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/root_fs.h"
#include "gpuinit/fact.h"

namespace gpuinit::node {

// The release in the "NVRM version:" line of /proc/driver/nvidia/version, e.g.
//   NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 …
//   NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build …
// No value if there is no such line or no release in it.
std::optional<std::string> nvrm_version(std::string_view proc_text);

// From /proc/driver/nvidia/version, or /sys/module/nvidia/version.
//
// Absent only where a Linux /proc and /sys can be read and neither knows the
// module nor is there any sign of another kind of driver. Unknown otherwise:
// WSL (the driver is Windows'), Tegra (its releases are numbered differently,
// "35.3.1"), sandboxes that hide /proc/driver but pass the devices on.
Fact<std::string> read_kernel_version(const base::RootFs& fs);

}  // namespace gpuinit::node
