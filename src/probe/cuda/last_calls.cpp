#include "probe/cuda/last_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace gpuinit::probe {

namespace {

// Devices whose trials have begun and not ended; those that have told their result hang or
// crash while they clean up, which counts only if nobody else is left.
std::vector<std::size_t> unfinished(const Answer& answer) {
  std::vector<std::size_t> all = answer.trials_under_way();
  std::vector<std::size_t> without_result;
  for (const std::size_t i : all)
    if (!answer.devices->at(i).context) without_result.push_back(i);
  return without_result.empty() ? all : without_result;
}

}  // namespace

std::string step_of(const Answer::Trial& trial) {
  return trial.step.empty() ? "the trial" : trial.step;
}

std::string last_calls(const Answer& answer) {
  const std::vector<std::size_t> indices = unfinished(answer);
  if (indices.empty()) return answer.last_step;
  std::vector<std::pair<std::string, std::string>> calls;  // and its devices
  for (const std::size_t i : indices) {
    const std::string call = step_of(answer.trials[i]);
    const auto same =
        std::find_if(calls.begin(), calls.end(), [&](const auto& c) { return c.first == call; });
    if (same != calls.end()) same->second += ", " + std::to_string(i);
    else calls.emplace_back(call, std::to_string(i));
  }
  std::string text;
  for (const auto& [call, devices] : calls)
    text += (text.empty() ? "" : ", ") + call + " " + devices;
  return text;
}

}  // namespace gpuinit::probe
