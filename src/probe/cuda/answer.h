// Reads what the CUDA probe says (gpuinit/probe_protocol.h). Pure: bytes in, facts out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/node_facts.h"

namespace gpuinit::probe {

struct Answer {
  enum class State {
    kPartial,     // nothing wrong so far, and no `end`
    kWhole,       // `end` was read
    kNotStarted,  // the child says that it could not become the probe
    kNoLoader,    // the same, because the image lacks the program's loader
    kGarbled,     // not the protocol; every fact below is then unknown
  };
  State state = State::kPartial;
  std::string wrong;  // kGarbled: the line and what is wrong with it; kNotStarted, kNoLoader: why
  bool greeted = false;            // the first line was read
  std::string last_step;           // of the last `step` line
  bool holding = false;            // after `end` the probe stays, until it is killed
  Fact<std::string> load_error;    // absent: libcuda.so.1 loaded
  Fact<std::string> cuda_version;  // "12.2"
  Fact<int> init_error;
  // Known once all devices were described; empty when cuInit says that there is none
  // (CUDA_ERROR_NO_DEVICE). A context is "not looked at" until its trial has ended.
  Fact<std::vector<Device>> devices;
  // One for each device once they are known.
  struct Trial {
    bool begun = false;
    bool ended = false;  // cleaned up too
    std::string step;    // the call it is or was in, "cuLaunchKernel"; empty: before its first

    bool operator==(const Trial&) const = default;
  };
  std::vector<Trial> trials;

  // Indices of the devices whose trials have begun and not ended.
  std::vector<std::size_t> trials_under_way() const;

  bool operator==(const Answer&) const = default;
};

// Takes the answer as it arrives. Memory is bounded by kMaxAnswer.
class AnswerReader {
 public:
  // Bytes after the end of the answer, or after garbage, are ignored.
  void feed(std::string_view bytes);

  // True if nothing that follows can change the answer.
  bool finished() const { return answer_.state != Answer::State::kPartial; }

  // What is known by now.
  const Answer& answer() const { return answer_; }

 private:
  // What is wrong with a line; empty: nothing.
  using Complaint = std::string_view;

  Complaint line(std::string_view text);
  Complaint first_line(std::string_view text);
  Complaint about_driver(std::string_view key, std::string_view value);
  Complaint about_device(Device& device, std::string_view key, std::string_view value);
  Complaint missing(std::string_view value);
  Complaint next_device(std::string_view value);
  Complaint enumerated();
  Complaint step(std::string_view value);
  Complaint end();
  void give_up(std::string_view text, std::string_view complaint);

  bool is_enumerated() const { return answer_.devices.known(); }

  // answer_trials.cpp
  Complaint about_trial(std::string_view key, std::string_view value);
  Complaint trial_result(Device& device, const std::string& note, std::string_view value);
  Complaint missing_of_trial(std::string_view key, std::string_view value);
  Complaint holding(std::string_view value);
  void trial_step(std::string_view value);
  std::optional<std::size_t> device_index(std::string_view text) const;

  Answer answer_;
  std::string rest_;  // the line that has not ended yet
  std::size_t bytes_ = 0;
  int lines_ = 0;
  Fact<std::uint64_t> count_;  // `device-count`
  std::vector<Device> described_;
  std::vector<std::string> notes_;  // `context-note` of each device
};

// The whole text at once.
Answer read_answer(std::string_view text);

}  // namespace gpuinit::probe
