// Whatever a probe says, in whatever pieces: the reader ends, stays in its bounds, and
// what it believes hangs together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gpuinit/probe_protocol.h"
#include "probe/read_cuda_answer.h"

using gpuinit::probe::AnswerReader;
using gpuinit::test::ReadAnswer;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_one_printable_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void check(const ReadAnswer& answer) {
  require(is_one_printable_line(answer.wrong) && answer.wrong.size() < 2000);
  require(is_one_printable_line(answer.last_step));
  switch (answer.state) {
    case AnswerReader::State::kWhole:
      require(answer.greeted && answer.wrong.empty());
      // The library loaded, or nothing is known of it.
      if (answer.load_error) {
        require(!answer.cuda_version && !answer.init_error && !answer.devices);
      } else {
        require(answer.load_error.is_absent());
      }
      if (answer.devices && !answer.devices->empty()) require(answer.init_error.value_or(-1) == 0);
      if (!answer.devices) require(!answer.devices.reason().empty());
      require(answer.trials_under_way().empty());
      if (answer.holding) require(answer.devices && !answer.devices->empty());
      break;
    case AnswerReader::State::kGarbled:
      require(!answer.wrong.empty() && answer.load_error.is_unknown() && !answer.cuda_version &&
              !answer.init_error && !answer.devices);
      break;
    case AnswerReader::State::kNotStarted:
    case AnswerReader::State::kNoLoader:
      require(!answer.greeted && !answer.wrong.empty());
      break;
    case AnswerReader::State::kPartial:
      require(answer.wrong.empty());
      break;
  }
  if (!answer.devices) return;
  require(answer.trials.empty() || answer.trials.size() == answer.devices->size());
  for (const auto& trial : answer.trials)
    require(is_one_printable_line(trial.step) && (trial.begun || !trial.ended));
  require(answer.devices->size() <= gpuinit::probe_protocol::kMaxDevices);
  for (const auto& device : *answer.devices) {
    require(is_one_printable_line(device.name.value_or("")));
    if (device.context && device.context->cuda_error != 0) require(!device.context->result_correct);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ReadAnswer whole = gpuinit::test::read_answer(text);
  check(whole);

  gpuinit::probe::CudaAnswerReader pieces;
  for (std::size_t at = 0; at < size;) {
    const std::size_t length = std::min<std::size_t>(1 + data[at] % 7, size - at);
    pieces.feed(text.substr(at, length));
    at += length;
  }
  require(gpuinit::test::what_was_read(pieces) == whole);
  return 0;
}
