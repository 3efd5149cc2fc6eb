#include "probe/answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "gpuinit/probe_protocol.h"
#include "probe/answer_values.h"

namespace gpuinit::probe {

namespace {

using Complaint = std::string_view;
constexpr Complaint kFine;
constexpr Complaint kBadValue = "is not a value it can have";
constexpr Complaint kOutOfPlace = "is out of place";
constexpr Complaint kTwice = "is said twice";

constexpr std::uint64_t kMaxMemory = std::uint64_t{1} << 56;
constexpr std::uint64_t kMaxMicroseconds = 1'000'000'000'000;
constexpr std::size_t kMaxText = 300;
constexpr int kNoDevice = 100;  // CUDA_ERROR_NO_DEVICE

// Not yet said: neither a value nor the reason for having none.
template <class T>
bool fresh(const Fact<T>& fact) {
  return fact == Fact<T>();
}

// Once only.
template <class T>
Complaint set(Fact<T>& fact, std::optional<T> value) {
  if (!value) return kBadValue;
  if (!fresh(fact)) return kTwice;
  fact = *std::move(value);
  return kFine;
}

template <class T>
Complaint set_unknown(Fact<T>& fact, std::string_view reason) {
  if (!fresh(fact)) return kTwice;
  fact = Fact<T>::unknown(base::printable(reason, kMaxText));
  return kFine;
}

// CUcomputemode in cuda.h. A number it does not have is a mode we do not know.
Complaint set_compute_mode(Fact<std::string>& fact, std::string_view text) {
  const auto mode = number(text, 1000);
  if (!mode) return kBadValue;
  constexpr std::array<std::string_view, 4> kNames{"default", "exclusive", "prohibited",
                                                   "exclusive-process"};
  if (*mode >= kNames.size()) return set_unknown(fact, "CUcomputemode " + std::to_string(*mode));
  return set(fact, std::optional(std::string(kNames[*mode])));
}

// `key` is one of kDeviceKeys, or "device": none of them has a value.
Complaint missing_of(Device& device, std::string_view key, std::string_view why) {
  Complaint first;
  const auto mark = [key, why, &first](std::string_view name, auto& fact) {
    if (key != name && key != "device") return;
    const auto complaint = set_unknown(fact, why);
    if (first.empty()) first = complaint;
  };
  mark("name", device.name);
  mark("uuid", device.uuid);
  mark("compute-capability", device.compute_capability);
  mark("memory", device.memory_bytes);
  mark("mig", device.mig);
  mark("compute-mode", device.compute_mode);
  return first;
}

bool is_key(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), good);
}

template <std::size_t N>
bool is_one_of(std::string_view key, const std::array<std::string_view, N>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

constexpr std::array<std::string_view, 6> kDeviceKeys{"name",   "uuid", "compute-capability",
                                                      "memory", "mig",  "compute-mode"};
constexpr std::array<std::string_view, 3> kTrialKeys{"memory-free", "context-note", "context"};

// {key, value}; a line without a blank is a key without a value.
std::pair<std::string_view, std::string_view> cut(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return {text, ""};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

}  // namespace

void AnswerReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (finished()) return;
    if (rest_.empty()) ++lines_;
    if (++bytes_ > probe_protocol::kMaxAnswer) return give_up(rest_, "makes the answer too long");
    if (c != '\n') {
      rest_ += c;
      if (rest_.size() >= probe_protocol::kMaxLine) give_up(rest_, "is too long");
      continue;
    }
    const auto complaint = line(rest_);
    if (!complaint.empty()) give_up(rest_, complaint);
    rest_.clear();
  }
}

void AnswerReader::give_up(std::string_view text, std::string_view complaint) {
  std::string last_step = std::move(answer_.last_step);
  answer_ = Answer();
  answer_.state = Answer::State::kGarbled;
  answer_.last_step = std::move(last_step);
  answer_.wrong = "line " + std::to_string(lines_) + " \"" + base::printable(text, 80) + "\" " +
                  std::string(complaint);
}

Complaint AnswerReader::line(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), is_control)) return "has control characters";
  if (!answer_.greeted) return first_line(text);
  const auto [key, value] = cut(text);
  if (!is_key(key)) return "does not begin with a key";
  if (key == "step") {
    if (value.empty()) return kBadValue;
    answer_.last_step = base::printable(value, 100);
    // Every later step calls into the library.
    if (value != "dlopen" && fresh(answer_.load_error))
      answer_.load_error = Fact<std::string>::absent();
    return kFine;
  }
  if (key == "device") return next_device(value);
  if (key == "enumerated") return enumerated();
  if (key == "trial") return next_trial(value);
  if (key == "no") return missing(value);
  if (key == "end") return end();
  if (is_one_of(key, kDeviceKeys)) {
    if (is_enumerated() || current() == nullptr) return kOutOfPlace;
    return about_device(*current(), key, value);
  }
  if (is_one_of(key, kTrialKeys)) {
    if (!is_enumerated() || current() == nullptr) return kOutOfPlace;
    return about_trial(*current(), key, value);
  }
  return about_driver(key, value);
}

Complaint AnswerReader::first_line(std::string_view text) {
  const auto [key, value] = cut(text);
  if (key == "not-started" || key == "no-loader") {
    if (value.empty()) return kBadValue;
    answer_.state = key == "no-loader" ? Answer::State::kNoLoader : Answer::State::kNotStarted;
    answer_.wrong = base::printable(value, kMaxText);
    return kFine;
  }
  answer_.greeted = text == probe_protocol::kGreeting;
  return answer_.greeted ? kFine : "is not the first line of an answer";
}

Complaint AnswerReader::about_driver(std::string_view key, std::string_view value) {
  if (key == "load-error") return set(answer_.load_error, words(value));
  if (key == "driver-version") return set(answer_.cuda_version, cuda_version(value));
  if (key == "init") return set(answer_.init_error, result_code(value));
  if (key == "device-count") {
    if (answer_.init_error != Fact<int>(0)) return kOutOfPlace;
    return set(count_, number(value, probe_protocol::kMaxDevices));
  }
  return kFine;  // a newer probe's own
}

Device* AnswerReader::current() {
  if (!is_enumerated()) return described_.empty() ? nullptr : &described_.back();
  return on_trial_ ? &answer_.devices.value()[*on_trial_] : nullptr;
}

Complaint AnswerReader::next_device(std::string_view value) {
  if (!count_ || is_enumerated()) return kOutOfPlace;
  const auto index = number(value, probe_protocol::kMaxDevices);
  if (!index || *index != described_.size() || *index >= *count_) return kBadValue;
  described_.emplace_back();
  return kFine;
}

Complaint AnswerReader::enumerated() {
  if (!fresh(answer_.devices)) return kTwice;
  if (!count_ || described_.size() != *count_) return kOutOfPlace;
  answer_.devices = std::move(described_);
  return kFine;
}

Complaint AnswerReader::about_device(Device& device, std::string_view key, std::string_view value) {
  if (key == "name") return set(device.name, words(value));
  if (key == "uuid") return set(device.uuid, uuid(value));
  if (key == "compute-capability") return set(device.compute_capability, capability(value));
  if (key == "memory") return set(device.memory_bytes, number(value, kMaxMemory));
  if (key == "mig") return set(device.mig, yes_or_no(value));
  return set_compute_mode(device.compute_mode, value);
}

Complaint AnswerReader::next_trial(std::string_view value) {
  if (!is_enumerated()) return kOutOfPlace;
  const auto index = number(value, probe_protocol::kMaxDevices);
  if (!index || *index >= answer_.devices->size()) return kBadValue;
  if (on_trial_ && *index <= *on_trial_) return kOutOfPlace;
  on_trial_ = *index;
  note_.clear();
  return kFine;
}

Complaint AnswerReader::about_trial(Device& device, std::string_view key, std::string_view value) {
  if (key == "memory-free") return set(device.memory_free_bytes, number(value, kMaxMemory));
  if (key == "context") return trial_result(device, value);
  if (!note_.empty()) return kTwice;
  if (value.empty()) return kBadValue;
  note_ = base::printable(value, kMaxText);
  return kFine;
}

Complaint AnswerReader::trial_result(Device& device, std::string_view value) {
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
  trial.note = note_;
  trial.milliseconds = static_cast<double>(*microseconds) / 1000;
  return set(device.context, std::optional(std::move(trial)));
}

// `no <key> <why>`
Complaint AnswerReader::missing(std::string_view value) {
  const auto [key, why] = cut(value);
  if (!is_key(key) || why.empty()) return kBadValue;
  if (key == "driver-version") return set_unknown(answer_.cuda_version, why);
  if (key == "init") return set_unknown(answer_.init_error, why);
  if (key == "devices") return set_unknown(answer_.devices, why);
  Device* device = current();
  if (is_one_of(key, kTrialKeys)) {
    if (!is_enumerated() || device == nullptr) return kOutOfPlace;
    if (key == "memory-free") return set_unknown(device->memory_free_bytes, why);
    return key == "context" ? set_unknown(device->context, why) : kBadValue;
  }
  if (key != "device" && !is_one_of(key, kDeviceKeys)) return kFine;  // a newer probe's own
  if (is_enumerated() || device == nullptr) return kOutOfPlace;
  return missing_of(*device, key, why);
}

// An answer is whole only if it says what became of the library, of cuInit and of the devices.
Complaint AnswerReader::end() {
  if (answer_.load_error) {
    if (!fresh(answer_.cuda_version) || !fresh(answer_.init_error)) return kOutOfPlace;
    const std::string why = "libcuda.so.1 was not loaded";
    answer_.cuda_version = Fact<std::string>::unknown(why);
    answer_.init_error = Fact<int>::unknown(why);
    answer_.devices = Fact<std::vector<Device>>::unknown(why);
  } else if (fresh(answer_.init_error)) {
    return "comes before cuInit";
  } else if (!answer_.init_error) {
    answer_.devices = Fact<std::vector<Device>>::unknown(answer_.init_error.reason());
  } else if (*answer_.init_error == kNoDevice) {
    answer_.devices = std::vector<Device>();
  } else if (*answer_.init_error != 0) {
    answer_.devices = Fact<std::vector<Device>>::unknown("cuInit: CUDA error " +
                                                         std::to_string(*answer_.init_error));
  } else if (fresh(answer_.devices)) {
    return "comes before the devices";
  }
  if (fresh(answer_.load_error)) answer_.load_error = Fact<std::string>::absent();
  answer_.state = Answer::State::kWhole;
  return kFine;
}

Answer read_answer(std::string_view text) {
  AnswerReader reader;
  reader.feed(text);
  return reader.answer();
}

}  // namespace gpuinit::probe
