// What a probe's program answers, line by line, as it arrives. Pure: bytes in; each probe's
// own reader makes facts of the lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gpuinit::probe {

class AnswerReader {
 public:
  enum class State {
    kPartial,     // nothing wrong so far, and no end
    kWhole,       // the end was read
    kNotStarted,  // the child could not become the program (gpuinit/probe_protocol.h)
    kNoLoader,    // the same, because the image lacks the program's loader
    kGarbled,     // not the protocol
  };

  virtual ~AnswerReader() = default;

  // Bytes after the end of the answer, or after garbage, are ignored.
  void feed(std::string_view bytes);

  State state() const { return state_; }
  // True if nothing that follows can change the answer.
  bool finished() const { return state_ != State::kPartial; }
  // kGarbled: the line and what is wrong with it. kNotStarted, kNoLoader: why. Else empty.
  const std::string& wrong() const { return wrong_; }
  bool greeted() const { return greeted_; }                    // the program's first line was read
  const std::string& last_step() const { return last_step_; }  // empty before the first

  // What the program is or was in: its last step, or several that run at the same time.
  virtual std::string last_steps() const { return last_step_; }

 protected:
  // What is wrong with a line, after which no more is read. Empty if nothing is.
  using Complaint = std::string_view;

  // Bytes of a whole answer and of a line, each with its '\n'. Bounds the memory, too.
  explicit AnswerReader(std::size_t max_answer, std::size_t max_line = SIZE_MAX)
      : max_answer_(max_answer), max_line_(max_line) {}

  virtual Complaint read_line(std::string_view text) = 0;
  virtual void on_garbled() = 0;

  void set_whole() { state_ = State::kWhole; }

  std::string wrong_;
  std::string last_step_;

 private:
  bool did_not_start(std::string_view text);
  void give_up(Complaint complaint);

  std::size_t max_answer_;
  std::size_t max_line_;
  State state_ = State::kPartial;
  bool greeted_ = false;
  std::string line_;  // the one that has not ended yet
  std::size_t bytes_ = 0;
  int lines_ = 0;
};

}  // namespace gpuinit::probe
