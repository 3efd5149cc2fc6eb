// A whole answer of the CUDA probe at once, and where it stands.
#pragma once

#include <string>
#include <string_view>

#include "probe/cuda/cuda_answer_reader.h"

namespace gpuinit::test {

struct ReadAnswer : probe::CudaAnswer {
  probe::AnswerReader::State state = probe::AnswerReader::State::kPartial;
  std::string wrong;
  bool greeted = false;
  std::string last_step;

  bool operator==(const ReadAnswer&) const = default;
};

inline ReadAnswer what_was_read(const probe::CudaAnswerReader& reader) {
  return {reader.answer(), reader.state(), reader.wrong(), reader.greeted(), reader.last_step()};
}

inline ReadAnswer read_answer(std::string_view text) {
  probe::CudaAnswerReader reader;
  reader.feed(text);
  return what_was_read(reader);
}

}  // namespace gpuinit::test
