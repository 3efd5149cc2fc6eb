#include "probe/cuda/cuda_answer_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "probe/cuda/cuda_answer_values.h"

namespace gpuinit::probe {

namespace {

constexpr int kNoDevice = 100;  // CUDA_ERROR_NO_DEVICE

// CUcomputemode in cuda.h. A number it does not have is a mode we do not know.
std::string_view set_compute_mode(Fact<std::string>& fact, std::string_view text) {
  const auto mode = number(text, 1000);
  if (!mode) return kBadValue;
  constexpr std::array<std::string_view, 4> kNames{"default", "exclusive", "prohibited",
                                                   "exclusive-process"};
  if (*mode >= kNames.size()) return set_unknown(fact, "CUcomputemode " + std::to_string(*mode));
  return set(fact, std::optional(std::string(kNames[*mode])));
}

// `key` is one of kDeviceKeys, or "device": no fact of the device has a value.
std::string_view missing_of(Device& device, std::string_view key, std::string_view why) {
  std::string_view first;
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
constexpr std::array<std::string_view, 5> kTrialKeys{"trial", "memory-free", "context-note",
                                                     "context", "trial-end"};

}  // namespace

AnswerReader::Complaint CudaAnswerReader::read_line(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), is_control)) return "has control characters";
  if (!greeted())
    return text == probe_protocol::kGreeting ? kFine : "is not the first line of an answer";
  const auto [key, value] = cut(text);
  if (!is_key(key)) return "does not begin with a key";
  if (key == "step") return step(value);
  if (key == "device") return next_device(value);
  if (key == "enumerated") return enumerated();
  if (key == "holding") return holding(value);
  if (key == "no") return missing(value);
  if (key == "end") return end();
  if (is_one_of(key, kDeviceKeys)) {
    if (is_enumerated() || described_.empty()) return kOutOfPlace;
    return about_device(described_.back(), key, value);
  }
  if (is_one_of(key, kTrialKeys)) return about_trial(key, value);
  return about_driver(key, value);
}

AnswerReader::Complaint CudaAnswerReader::step(std::string_view value) {
  if (value.empty()) return kBadValue;
  last_step_ = base::printable(value, 100);
  // Every later step calls into the library.
  if (value != "dlopen" && fresh(answer_.load_error))
    answer_.load_error = Fact<std::string>::absent();
  trial_step(value);
  return kFine;
}

AnswerReader::Complaint CudaAnswerReader::about_driver(std::string_view key,
                                                       std::string_view value) {
  if (key == "load-error") return set(answer_.load_error, words(value));
  if (key == "driver-version") return set(answer_.cuda_version, cuda_version(value));
  if (key == "init") return set(answer_.init_error, result_code(value));
  if (key == "device-count") {
    if (answer_.init_error != Fact<int>(0)) return kOutOfPlace;
    return set(count_, number(value, probe_protocol::kMaxDevices));
  }
  return kFine;  // a newer probe's own
}

AnswerReader::Complaint CudaAnswerReader::next_device(std::string_view value) {
  if (!count_ || is_enumerated()) return kOutOfPlace;
  const auto index = number(value, probe_protocol::kMaxDevices);
  if (!index || *index != described_.size() || *index >= *count_) return kBadValue;
  described_.emplace_back();
  return kFine;
}

AnswerReader::Complaint CudaAnswerReader::enumerated() {
  if (!fresh(answer_.devices)) return kTwice;
  if (!count_ || described_.size() != *count_) return kOutOfPlace;
  answer_.devices = std::move(described_);
  answer_.trials.resize(answer_.devices->size());
  notes_.resize(answer_.devices->size());
  return kFine;
}

AnswerReader::Complaint CudaAnswerReader::about_device(Device& device, std::string_view key,
                                                       std::string_view value) {
  if (key == "name") return set(device.name, words(value));
  if (key == "uuid") return set(device.uuid, uuid(value));
  if (key == "compute-capability") return set(device.compute_capability, capability(value));
  if (key == "memory") return set(device.memory_bytes, number(value, kMaxMemory));
  if (key == "mig") return set(device.mig, yes_or_no(value));
  return set_compute_mode(device.compute_mode, value);
}

// `no <key> <why>`
AnswerReader::Complaint CudaAnswerReader::missing(std::string_view value) {
  const auto [key, why] = cut(value);
  if (!is_key(key) || why.empty()) return kBadValue;
  if (key == "driver-version") return set_unknown(answer_.cuda_version, why);
  if (key == "init") return set_unknown(answer_.init_error, why);
  if (key == "devices") return set_unknown(answer_.devices, why);
  if (is_one_of(key, kTrialKeys)) return missing_of_trial(key, why);
  if (key != "device" && !is_one_of(key, kDeviceKeys)) return kFine;  // a newer probe's own
  if (is_enumerated() || described_.empty()) return kOutOfPlace;
  return missing_of(described_.back(), key, why);
}

// An answer is whole only if it says what became of the library, of cuInit and of the devices.
AnswerReader::Complaint CudaAnswerReader::end() {
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
  if (!answer_.trials_under_way().empty()) return "comes before the end of a trial";
  if (fresh(answer_.load_error)) answer_.load_error = Fact<std::string>::absent();
  set_whole();
  return kFine;
}

}  // namespace gpuinit::probe
