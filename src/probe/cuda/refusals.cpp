#include "probe/cuda/refusals.h"

namespace gpuinit::probe {

void distrust_errors(CudaProbeAnswer& answer) {
  if (answer.run.refused_calls.empty()) return;
  std::string names;
  for (const std::string& name : answer.run.refused_calls)
    names += (names.empty() ? "" : ", ") + name;
  const std::string reason = "the probe's sandbox refused " + names +
                             ", which may be why the driver failed; probe.sandbox = \"off\" asks "
                             "it without";
  auto& init = answer.run.init_error;
  const bool failed = init.known() && *init != 0;
  if (failed) init = Fact<int>::unknown(reason);
  if (failed || !answer.devices) answer.devices = Fact<std::vector<Device>>::unknown(reason);
  if (!answer.devices) return;
  for (Device& device : answer.devices.value())
    if (device.context && device.context->cuda_error != 0)
      device.context = Fact<ContextTrial>::unknown(reason);
}

}  // namespace gpuinit::probe
