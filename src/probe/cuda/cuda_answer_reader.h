// Reads what the CUDA probe says (gpuinit/probe_protocol.h). Pure: bytes in, facts out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/node_facts.h"
#include "gpuinit/probe_protocol.h"
#include "probe/child/answer_reader.h"

namespace gpuinit::probe {

// As far as it has been read. Nothing in a garbled answer is believed.
struct CudaAnswer {
  bool holding = false;            // after `end` the probe stays, until it is killed
  Fact<std::string> load_error;    // absent: libcuda.so.1 loaded
  Fact<std::string> cuda_version;  // "12.2"
  Fact<int> init_error;
  // Known once all devices were described; empty when cuInit reports that there is no device
  // (CUDA_ERROR_NO_DEVICE). A context is "not looked at" until its trial has ended.
  Fact<std::vector<Device>> devices;
  // One for each device once they are known.
  struct Trial {
    bool begun = false;
    bool ended = false;  // cleaned up too
    std::string step;    // the call it is or was in, "cuLaunchKernel"; empty before its first

    bool under_way() const { return begun && !ended; }
    std::string where() const { return step.empty() ? "the trial" : step; }
    bool operator==(const Trial&) const = default;
  };
  std::vector<Trial> trials;

  // Indices of the devices whose trials are under way.
  std::vector<std::size_t> trials_under_way() const;
  bool operator==(const CudaAnswer&) const = default;
};

class CudaAnswerReader : public AnswerReader {
 public:
  CudaAnswerReader() : AnswerReader(probe_protocol::kMaxAnswer, probe_protocol::kMaxLine) {}

  const CudaAnswer& answer() const { return answer_; }

  // "cuInit"; "cuLaunchKernel 3"; of several at the same time "cuLaunchKernel 3, 5,
  // cuMemAlloc_v2 4": it was in one of them.
  std::string last_steps() const override;

 private:
  Complaint read_line(std::string_view text) override;
  void on_garbled() override { answer_ = CudaAnswer(); }

  Complaint about_driver(std::string_view key, std::string_view value);
  Complaint about_device(Device& device, std::string_view key, std::string_view value);
  Complaint missing(std::string_view value);
  Complaint next_device(std::string_view value);
  Complaint enumerated();
  Complaint step(std::string_view value);
  Complaint end();

  bool is_enumerated() const { return answer_.devices.known(); }

  // cuda_answer_trials.cpp
  Complaint about_trial(std::string_view key, std::string_view value);
  Complaint trial_result(Device& device, const std::string& note, std::string_view value);
  Complaint missing_of_trial(std::string_view key, std::string_view value);
  Complaint holding(std::string_view value);
  void trial_step(std::string_view value);
  std::optional<std::size_t> device_index(std::string_view text) const;

  CudaAnswer answer_;
  Fact<std::uint64_t> count_;  // `device-count`
  std::vector<Device> described_;
  std::vector<std::string> notes_;  // `context-note` of each device
};

}  // namespace gpuinit::probe
