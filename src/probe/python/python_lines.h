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

namespace gpuinit::probe {

class PythonLines {
 public:
  static constexpr std::size_t kMaxAnswer = 1024ULL * 1024;  // bytes of a whole answer
  static constexpr std::size_t kMaxImports = 100;

  enum class State {
    kPartial,     // nothing wrong so far, and no end
    kWhole,       // the end was read
    kNotStarted,  // the child says that it could not become the program
    kNoLoader,    // the same, because the image lacks the program's loader
    kGarbled,     // not the protocol
  };

  // Bytes after the end of the answer, or after garbage, are ignored.
  void feed(std::string_view bytes);

  State state() const { return state_; }
  bool finished() const { return state_ != State::kPartial; }
  const std::string& wrong() const { return wrong_; }  // of the last three states: why
  const std::string& last_step() const { return last_step_; }
  bool greeted() const { return greeted_; }  // the interpreter is up: "python" was read

  // What is known by now. `run`, `mode`, `way` and `because` are the caller's.
  const PythonAnswer& answer() const { return answer_; }

 private:
  void line(std::string_view text);
  void object(const base::JsonReader& in);
  void python(const base::JsonReader& in);
  void import_result(const base::JsonReader& in);
  void torch(const base::JsonReader& in);
  void stop(State state, std::string why);

  State state_ = State::kPartial;
  std::string wrong_;
  std::string last_step_;
  bool greeted_ = false;
  PythonAnswer answer_;
  std::string rest_;  // the line that has not ended yet
  std::size_t bytes_ = 0;
};

}  // namespace gpuinit::probe
