// Reads what the Python probe says: one JSON document a line, from code that
// cannot be trusted. Pure: bytes in, facts out.
//
//   {"step": "import torch"}      before each thing that may hang or crash
//   {"python": {version, hexversion, soabi, executable, prefix, base_prefix, exec_prefix,
//               path, flags}}
//   {"torch_origin": text or null}        or {"no_torch_origin": "TypeError: …"}
//   {"import": {name, error, message, traceback, version, file, milliseconds}}
//   {"torch": {version, file, cuda, hip, arch_list, cudnn, config}}
//                                 a key may be "no version" instead, with the reason
//   {"end": true}                 last line; without it the answer is not whole
//
// Every key may be missing and unknown ones are ignored. A child that could not become the
// program says `not-started …` or `no-loader …` instead (gpuinit/probe_protocol.h). A line
// that is not a JSON object makes the answer garbled; what was said before stays. All text is
// made printable, and what is longer than it can reasonably be is cut.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "gpuinit/python_answer.h"
#include "probe/child/answer_reader.h"

namespace gpuinit::probe {

class PythonAnswerReader : public AnswerReader {
 public:
  static constexpr std::size_t kMaxAnswer = std::size_t{1} << 20;  // bytes of a whole answer
  static constexpr std::size_t kMaxImports = 100;

  PythonAnswerReader() : AnswerReader(kMaxAnswer) {}

  // What is known by now. `run`, `mode`, `way` and `because` are the caller's.
  const PythonAnswer& answer() const { return answer_; }

 private:
  Complaint read_line(std::string_view text) override;
  void on_garbled() override;
  void object(const base::JsonReader& in);
  void python(const base::JsonReader& in);
  void import_result(const base::JsonReader& in);
  void torch(const base::JsonReader& in);

  PythonAnswer answer_;
};

}  // namespace gpuinit::probe
