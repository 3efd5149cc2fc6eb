// Runs the built gpuinit as its users do.
#pragma once

#include <string>
#include <vector>

#include "support/run_program.h"
#include "support/tree.h"

namespace gpuinit::test {

// A clean environment: no policy, variable or library path of the machine that
// runs the tests has a say.
inline RunOptions clean(std::map<std::string, std::string> more = {}) {
  RunOptions options;
  options.only_this_environment = true;
  options.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/root"}};
  for (auto& [name, value] : more) options.environment[name] = value;
  return options;
}

inline Ran gpuinit(std::vector<std::string> arguments, const RunOptions& options = clean()) {
  arguments.insert(arguments.begin(), GPUINIT_BINARY);
  return run_program(arguments, options);
}

inline constexpr char kH100Node[] =
    R"({"node":{"driver":{"kernel_version":"570.124.06","cuda_version":"12.8"},)"
    R"("devices":[{"name":"NVIDIA H100 80GB HBM3","compute_capability":"9.0","memory_bytes":85899345920}]}})";

}  // namespace gpuinit::test
