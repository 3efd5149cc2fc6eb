// The lines about contexts: several devices at the same time, each line with its device.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "gpuinit/probe_protocol.h"
#include "probe/cuda/answer.h"
#include "probe/cuda/answer_lines.h"
#include "probe/cuda/answer_values.h"

namespace gpuinit::probe {

namespace {

constexpr std::uint64_t kMaxMicroseconds = 1'000'000'000'000;

}  // namespace

std::vector<std::size_t> Answer::trials_under_way() const {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < trials.size(); ++i)
    if (trials[i].begun && !trials[i].ended) indices.push_back(i);
  return indices;
}

// The device that `text` names; none: it names none.
std::optional<std::size_t> AnswerReader::device_index(std::string_view text) const {
  const auto index = number(text, probe_protocol::kMaxDevices);
  if (!index || *index >= answer_.trials.size()) return std::nullopt;
  return static_cast<std::size_t>(*index);
}

// `<call> <index>`; steps of another form tell nothing about a trial.
void AnswerReader::trial_step(std::string_view value) {
  const auto [call, rest] = cut(value);
  const auto index = device_index(rest);
  if (!index) return;
  Answer::Trial& trial = answer_.trials[*index];
  if (trial.begun && !trial.ended) trial.step = base::printable(call, 100);
}

Complaint AnswerReader::about_trial(std::string_view key, std::string_view value) {
  if (!is_enumerated()) return kOutOfPlace;
  const auto [name, rest] = cut(value);
  const auto index = device_index(name);
  if (!index) return kBadValue;
  Answer::Trial& trial = answer_.trials[*index];
  if (key == "trial") {
    if (!rest.empty()) return kBadValue;
    if (answer_.holding) return kOutOfPlace;
    return std::exchange(trial.begun, true) ? kTwice : kFine;
  }
  if (!trial.begun || trial.ended) return kOutOfPlace;
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

Complaint AnswerReader::trial_result(Device& device, const std::string& note,
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
Complaint AnswerReader::missing_of_trial(std::string_view key, std::string_view value) {
  if (!is_enumerated()) return kOutOfPlace;
  const auto [name, why] = cut(value);
  const auto index = device_index(name);
  if (!index || why.empty()) return kBadValue;
  const Answer::Trial& trial = answer_.trials[*index];
  if (!trial.begun || trial.ended) return kOutOfPlace;
  Device& device = answer_.devices.value()[*index];
  if (key == "memory-free") return set_unknown(device.memory_free_bytes, why);
  return key == "context" ? set_unknown(device.context, why) : kBadValue;
}

// Nothing is under way any more, and it is a client of a driver that has devices.
Complaint AnswerReader::holding(std::string_view value) {
  if (!value.empty()) return kBadValue;
  if (!is_enumerated() || answer_.devices->empty() || !answer_.trials_under_way().empty())
    return kOutOfPlace;
  return std::exchange(answer_.holding, true) ? kTwice : kFine;
}

}  // namespace gpuinit::probe
