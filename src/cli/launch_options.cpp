#include "cli/launch_options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/environment_variables.h"
#include "base/gpu_device_path.h"
#include "cli/output.h"
#include "probe/cuda/cuda_probe.h"

namespace gpuinit::cli {

namespace {

constexpr std::array<std::string_view, 2> kEnginesNames{"docker-init", "podman-init"};

// The command has failed already: whoever waits for its exit code should not wait long.
constexpr std::chrono::milliseconds kLastQuestion{10'000};

// Every client of the driver opens one of these first.
bool has_control_device() {
  return ::access("/dev/nvidiactl", F_OK) == 0 || ::access(base::kWslDevice, F_OK) == 0;
}

std::string devices_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " device" : " devices");
}

launch::DriverAnswer ask_driver(std::chrono::milliseconds timeout, ProbeSandbox sandbox,
                                std::optional<std::size_t> devices_before) {
  if (!has_control_device()) return {};
  probe::CudaProbeOptions options;
  options.timeout = std::min(timeout, kLastQuestion);
  options.sandbox = sandbox;
  options.environment = base::environment_variables();
  const probe::CudaProbeAnswer result = probe::CudaProbe::start(options).collect();
  const ProbeRun& run = result.run;
  using Outcome = ProbeRun::Outcome;
  // A probe or a library that could not even be loaded says nothing about the driver.
  if (run.outcome == Outcome::kNotStarted || run.outcome == Outcome::kNoLoader) return {};
  if (run.load_error.known()) return {};
  // Nor one that was hindered.
  const bool hindered = !run.refused_calls.empty() || run.out_of_memory;
  if (hindered && !result.devices.known()) return {};
  if (run.outcome != Outcome::kAnswered) return {true, true, run.detail};
  if (result.devices.known()) {
    const std::size_t count = result.devices->size();
    if (count < devices_before.value_or(0))
      return {true, true, devices_text(count) + " of " + std::to_string(*devices_before)};
    return {true, false, devices_text(count)};
  }
  return {true, true, result.devices.reason()};
}

}  // namespace

bool wants_supervision(const CommandLine& line, const Policy& policy, const char* program) {
  if (line.supervise || policy.launch.mode == LaunchMode::kSupervise) return true;
  const std::string_view path = program != nullptr ? program : "";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::find(kEnginesNames.begin(), kEnginesNames.end(), name) != kEnginesNames.end();
}

launch::SuperviseOptions supervise_options(const Policy& policy, std::optional<std::size_t> devices,
                                           const launch::CommandFilter* filter) {
  launch::SuperviseOptions options;
  options.filter = filter;
  options.signal_group = policy.launch.signal_target == SignalTarget::kGroup;
  options.signals = policy.launch.signals;
  options.grace = policy.launch.grace;
  options.parent_death_signal = policy.launch.parent_death_signal;
  options.exit_zero = policy.launch.exit_zero;
  options.postmortem = policy.launch.postmortem;
  options.postmortem_exit = policy.launch.postmortem_exit;
  options.say = print_error;
  if (policy.gpu.required != GpuRequired::kNo)
    options.ask_driver = [timeout = policy.probe.timeout, sandbox = policy.probe.sandbox, devices] {
      return ask_driver(timeout, sandbox, devices);
    };
  return options;
}

}  // namespace gpuinit::cli
