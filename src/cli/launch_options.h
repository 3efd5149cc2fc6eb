// From the command line and the policy to what src/launch is asked for.
#pragma once

#include <cstddef>
#include <optional>

#include "cli/options.h"
#include "gpuinit/policy.h"
#include "launch/supervise.h"

namespace gpuinit::cli {

// True if the command is to be supervised: --supervise, the policy, or a name under
// which container engines run their init (docker's `--init` calls /sbin/docker-init,
// podman's /run/podman-init) and can give no options.
bool wants_supervision(const CommandLine& line, const Policy& policy, const char* program);

// `devices`: how many the driver had before the command; none if nobody asked.
// `filter`: the command's own, or null; must outlive the options.
launch::SuperviseOptions supervise_options(const Policy& policy, std::optional<std::size_t> devices,
                                           const launch::CommandFilter* filter);

}  // namespace gpuinit::cli
