// One conversation with a probe's child: it is started, heard until it has answered or its
// time is up, and ended. What became of it is a ProbeRun.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "gpuinit/fact.h"
#include "gpuinit/probe_run.h"
#include "probe/child/answer_reader.h"
#include "probe/child/child.h"

namespace gpuinit::probe {

class Conversation {
 public:
  // Starts the child. `reader` must outlive this object. `timeout` is what the policy grants
  // from the start to `deadline`; several conversations may share it.
  Conversation(ChildProgram program, AnswerReader& reader, std::chrono::milliseconds timeout,
               Clock::time_point deadline)
      : reader_(reader), timeout_(timeout), deadline_(deadline), child_(std::move(program)) {}

  Child& child() { return child_; }
  Clock::time_point deadline() const { return deadline_; }

  // Waits until the child says something, and reads it. False if there is nothing more to
  // hear: the answer is finished, the child has ended, or it is past `until`.
  bool hear(Clock::time_point until);
  // True if the last hear() came to `until`.
  bool timed_out() const { return timed_out_; }

  // Ends the child if it has not ended yet. `overdue`: the detail of a run that timed out, if
  // not that the whole answer did not come in time. load_error and init_error are left to the
  // caller.
  ProbeRun end(const std::string& overdue = "");

 private:
  ProbeRun::Outcome judge(const std::string& overdue, std::string& detail) const;

  AnswerReader& reader_;
  std::chrono::milliseconds timeout_;
  Clock::time_point deadline_;
  Clock::time_point started_ = Clock::now();
  Child child_;
  bool timed_out_ = false;
};

// Replaces "not looked at" with why nothing was heard about the fact.
template <class T>
void explain(Fact<T>& fact, const std::string& reason) {
  if (fact == Fact<T>()) fact = Fact<T>::unknown(reason);
}

}  // namespace gpuinit::probe
