#include "probe/child/answer_reader.h"

#include <utility>

#include "base/byte_size.h"
#include "base/text.h"

namespace gpuinit::probe {

void AnswerReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (finished()) return;
    if (line_.empty()) ++lines_;
    if (++bytes_ > max_answer_)
      return give_up("makes the answer longer than " + base::mebibytes(max_answer_));
    if (c != '\n') {
      line_ += c;
      if (line_.size() >= max_line_) give_up("is too long");
      continue;
    }
    if (!greeted_ && did_not_start(line_)) return;
    if (const Complaint complaint = read_line(line_); !complaint.empty()) return give_up(complaint);
    greeted_ = true;
    line_.clear();
  }
}

bool AnswerReader::did_not_start(std::string_view text) {
  for (const auto& [key, state] :
       {std::pair<std::string_view, State>{"not-started ", State::kNotStarted},
        {"no-loader ", State::kNoLoader}})
    if (text.size() > key.size() && text.starts_with(key)) {
      state_ = state;
      wrong_ = base::printable(text.substr(key.size()));
    }
  return finished();
}

void AnswerReader::give_up(Complaint complaint) {
  state_ = State::kGarbled;
  wrong_ = "line " + std::to_string(lines_) + " \"" + base::printable(line_, 80) + "\" " +
           std::string(complaint);
  on_garbled();
}

}  // namespace gpuinit::probe
