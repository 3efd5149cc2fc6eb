// The lines about contexts: several devices at the same time, each line with its device.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "probe/cuda/cuda_answer_reader.h"
#include "probe/cuda/cuda_answer_values.h"

namespace gpuinit::probe {

namespace {

constexpr std::uint64_t kMaxMicroseconds = 1'000'000'000'000;

}  // namespace

std::vector<std::size_t> CudaAnswer::trials_under_way() const {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < trials.size(); ++i)
    if (trials[i].under_way()) indices.push_back(i);
  return indices;
}

// The device that `text` names; nullopt if it is not the number of one.
std::optional<std::size_t> CudaAnswerReader::device_index(std::string_view text) const {
  const auto index = number(text, probe_protocol::kMaxDevices);
  if (!index || *index >= answer_.trials.size()) return std::nullopt;
  return static_cast<std::size_t>(*index);
}

// `<call> <index>`; steps of another form are not about a trial.
void CudaAnswerReader::trial_step(std::string_view value) {
  const auto [call, rest] = cut(value);
  const auto index = device_index(rest);
  if (!index) return;
  CudaAnswer::Trial& trial = answer_.trials[*index];
  if (trial.under_way()) trial.step = base::printable(call, 100);
}

AnswerReader::Complaint CudaAnswerReader::about_trial(std::string_view key,
                                                      std::string_view value) {
  if (!is_enumerated()) return kOutOfPlace;
  const auto [name, rest] = cut(value);
  const auto index = device_index(name);
  if (!index) return kBadValue;
  CudaAnswer::Trial& trial = answer_.trials[*index];
  if (key == "trial") {
    if (!rest.empty()) return kBadValue;
    if (answer_.holding) return kOutOfPlace;
    return std::exchange(trial.begun, true) ? kTwice : kFine;
  }
  if (!trial.under_way()) return kOutOfPlace;
  Device& device = answer_.devices.value()[*index];
  if (key == "memory-free") return set(device.memory_free_bytes, number(rest, kMaxMemory));
  if (key == "context") return trial_result(device, notes_[*index], rest);
  if (key == "context-note") {
    if (!notes_[*index].empty()) return kTwice;
    if (rest.empty()) return kBadValue;
    notes_[*index] = base::printable(rest, kMaxText);
    return kFine;
  }
  // trial-end: not before it has said what came of it.
  if (!rest.empty()) return kBadValue;
  if (fresh(device.context)) return kOutOfPlace;
  trial.ended = true;
  return kFine;
}

AnswerReader::Complaint CudaAnswerReader::trial_result(Device& device, const std::string& note,
                                                       std::string_view value) {
  const auto fields = base::split(value, ' ');
  if (fields.size() != 5) return kBadValue;
  const auto code = result_code(fields[0]);
  const auto call = words(fields[1]);
  const auto ran = yes_or_no(fields[2]);
  const auto correct = yes_or_no(fields[3]);
  const auto microseconds = number(fields[4], kMaxMicroseconds);
  if (!code || !call || !ran || !correct || !microseconds) return kBadValue;
  // A trial that failed has nothing correct to show.
  if (*code != 0 && *correct) return kBadValue;
  ContextTrial trial;
  trial.step = *call;
  trial.cuda_error = *code;
  trial.kernel_ran = *ran;
  trial.result_correct = *correct;
  trial.note = note;
  trial.milliseconds = static_cast<double>(*microseconds) / 1000;
  return set(device.context, std::optional(std::move(trial)));
}

// `value`: `<index> <why>`
AnswerReader::Complaint CudaAnswerReader::missing_of_trial(std::string_view key,
                                                           std::string_view value) {
  if (!is_enumerated()) return kOutOfPlace;
  const auto [name, why] = cut(value);
  const auto index = device_index(name);
  if (!index || why.empty()) return kBadValue;
  const CudaAnswer::Trial& trial = answer_.trials[*index];
  if (!trial.under_way()) return kOutOfPlace;
  Device& device = answer_.devices.value()[*index];
  if (key == "memory-free") return set_unknown(device.memory_free_bytes, why);
  return key == "context" ? set_unknown(device.context, why) : kBadValue;
}

// Nothing is under way any more, and it is a client of a driver that has devices.
AnswerReader::Complaint CudaAnswerReader::holding(std::string_view value) {
  if (!value.empty()) return kBadValue;
  if (!is_enumerated() || answer_.devices->empty() || !answer_.trials_under_way().empty())
    return kOutOfPlace;
  return std::exchange(answer_.holding, true) ? kTwice : kFine;
}

// A trial that has reported its result can only hang or crash while it cleans up, which counts
// only if no other is under way.
std::string CudaAnswerReader::last_steps() const {
  std::vector<std::size_t> indices = answer_.trials_under_way();
  const auto has_result = [&](std::size_t i) { return answer_.devices->at(i).context.known(); };
  if (!std::all_of(indices.begin(), indices.end(), has_result)) std::erase_if(indices, has_result);
  if (indices.empty()) return last_step_;
  std::vector<std::string> calls;  // each with its devices
  for (const std::size_t i : indices) {
    const std::string call = answer_.trials[i].where() + " ";
    const auto same = std::ranges::find_if(calls, [&](auto& c) { return c.starts_with(call); });
    if (same != calls.end()) *same += ", " + std::to_string(i);
    else calls.push_back(call + std::to_string(i));
  }
  return base::join_with(calls, ", ");
}

}  // namespace gpuinit::probe
