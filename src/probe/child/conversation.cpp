#include "probe/child/conversation.h"

#include "base/seconds_text.h"

namespace gpuinit::probe {

using Outcome = ProbeRun::Outcome;

bool Conversation::hear(Clock::time_point until) {
  if (reader_.finished()) return false;
  std::string output;
  const auto event = child_.wait(output, until);
  reader_.feed(output);
  timed_out_ = event == Child::Event::kDeadline;
  return event == Child::Event::kOutput;
}

// The first cause wins.
Outcome Conversation::judge(const std::string& overdue, std::string& detail) const {
  if (const Error* error = child_.start_error()) {
    detail = error->message;
    return Outcome::kNotStarted;
  }
  detail = reader_.wrong();
  switch (reader_.state()) {
    case AnswerReader::State::kWhole:
      return Outcome::kAnswered;
    case AnswerReader::State::kGarbled:
      return Outcome::kGarbled;
    case AnswerReader::State::kNotStarted:
      return Outcome::kNotStarted;
    case AnswerReader::State::kNoLoader:
      return Outcome::kNoLoader;
    case AnswerReader::State::kPartial:
      break;
  }
  const std::string steps = reader_.last_steps();
  const std::string where = steps.empty() ? " before its first step" : " in " + steps;
  if (timed_out_) {
    detail = !overdue.empty()
                 ? overdue
                 : "no whole answer within " + base::seconds_text(timeout_) + "; it was" + where;
    if (child_.abandoned()) detail += ", and SIGKILL did not end it";
    return Outcome::kTimedOut;
  }
  const auto& end = child_.end();
  detail = end.known ? child_.how_it_ended() : "ended without a whole answer";
  const std::string& needs = child_.program().loader_needs;
  if (end.status == Child::kLoaderFailed && !reader_.greeted())
    detail +=
        ": the loader could not start it" + (needs.empty() ? "" : " (it needs " + needs + ")");
  else detail += where;
  return end.signal != 0 ? Outcome::kCrashed : Outcome::kExited;
}

ProbeRun Conversation::end(const std::string& overdue) {
  child_.kill_and_reap();
  ProbeRun run;
  run.outcome = judge(overdue, run.detail);
  child_.describe(run);
  run.last_step = reader_.last_steps();
  run.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
  return run;
}

}  // namespace gpuinit::probe
