#include "probe/cuda/cuda_probe.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <utility>

#include "base/seconds_text.h"
#include "gpuinit/probe_protocol.h"
#include "probe/child/child.h"
#include "probe/cuda/answer.h"
#include "probe/cuda/child_environment.h"
#include "probe/cuda/embedded_cuda_probe.h"
#include "probe/cuda/last_calls.h"
#include "probe/cuda/refusals.h"

namespace gpuinit::probe {

namespace {

using Outcome = ProbeRun::Outcome;

ChildProgram program_for(const CudaProbeOptions& options) {
  char directory[PATH_MAX];
  const bool known = ::getcwd(directory, sizeof directory) != nullptr && directory[0] == '/';
  ChildProgram program;
  program.name = "gpuinit-cuda-probe";
  program.installed_path = options.installed_path;
  program.image = embedded_cuda_probe();
  program.arguments = {options.context ? probe_protocol::kAskContext : probe_protocol::kAskDevices};
  if (options.keep_driver_awake) program.arguments.emplace_back(probe_protocol::kAskHold);
  program.environment = cuda_environment(options.environment, known ? directory : "");
  program.sandbox.level = options.sandbox;
  return program;
}

std::string where(const Answer& answer) {
  const std::string calls = last_calls(answer);
  return calls.empty() ? " before its first call" : " in " + calls;
}

// In an exclusive mode the driver serves one process, and it shall be the command.
bool serves_many(const std::vector<Device>& devices) {
  return !devices.empty() && std::all_of(devices.begin(), devices.end(), [](const Device& device) {
    return device.compute_mode.value_or("") == "default";
  });
}

// Replaces "not looked at" by why nobody came to look.
template <class T>
void explain(Fact<T>& fact, const std::string& reason) {
  if (fact == Fact<T>()) fact = Fact<T>::unknown(reason);
}

}  // namespace

struct CudaProbe::State {
  explicit State(const CudaProbeOptions& asked)
      : options(asked), started(Clock::now()), child(program_for(asked)) {}

  Clock::time_point deadline() const { return started + options.timeout; }
  Clock::time_point next_deadline() const;
  void look_at_trials();
  bool stays() const;
  void listen();
  void judge(ProbeRun& run) const;
  std::string how_it_ended(ProbeRun& run) const;
  std::string no_answer_in(const std::string& calls) const {
    return "no answer within " + base::seconds_text(options.trial_timeout) + " in " + calls;
  }

  CudaProbeOptions options;
  Clock::time_point started;
  Child child;
  AnswerReader reader;
  std::vector<std::optional<Clock::time_point>> trials;  // when they were seen to begin
  bool timed_out = false;                                // all together
  bool trial_overdue = false;  // the devices that are still on trial, and only they
};

void CudaProbe::State::look_at_trials() {
  const auto& said = reader.answer().trials;
  trials.resize(said.size());
  for (std::size_t i = 0; i < said.size(); ++i)
    if (said[i].begun && !trials[i]) trials[i] = Clock::now();
}

// When the probe is ended if it says nothing until then.
Clock::time_point CudaProbe::State::next_deadline() const {
  const auto under_way = reader.answer().trials_under_way();
  if (under_way.empty()) return deadline();
  Clock::time_point last{};
  for (const std::size_t i : under_way) last = std::max(last, *trials[i] + options.trial_timeout);
  return std::min(last, deadline());
}

bool CudaProbe::State::stays() const {
  const Answer& answer = reader.answer();
  return options.keep_driver_awake && answer.state == Answer::State::kWhole && answer.holding &&
         serves_many(*answer.devices);
}

// Until the answer is whole, the child has ended, or time is up.
void CudaProbe::State::listen() {
  std::string output;
  while (!reader.finished()) {
    output.clear();
    const auto event = child.wait(output, next_deadline());
    reader.feed(output);
    look_at_trials();
    if (event == Child::Event::kEnded) return;
    if (event == Child::Event::kDeadline) {
      timed_out = Clock::now() >= deadline();
      trial_overdue = !timed_out;
      return;
    }
  }
  if (reader.answer().holding) return;
  // It exits by itself now. The driver takes its time to free a device, and the command
  // must not find it busy.
  if (reader.answer().state == Answer::State::kWhole) child.wait_until_ended(deadline());
}

std::string CudaProbe::State::how_it_ended(ProbeRun& run) const {
  const Answer& answer = reader.answer();
  const auto& end = child.end();
  if (end.signal != 0) {
    run.outcome = Outcome::kCrashed;
    return child.how_it_ended() + where(answer);
  }
  run.outcome = Outcome::kExited;
  if (!end.known) return "ended without a whole answer" + where(answer);
  const std::string status = child.how_it_ended();
  if (!answer.greeted && end.status == Child::kLoaderFailed)
    return status +
           ": the loader could not start it (it needs libc.so.6 and libdl.so.2 of glibc 2.17 or "
           "later)";
  return status + where(answer);
}

// The first cause wins.
void CudaProbe::State::judge(ProbeRun& run) const {
  const Answer& answer = reader.answer();
  if (const Error* error = child.start_error()) {
    run.outcome = Outcome::kNotStarted;
    run.detail = error->message;
  } else if (answer.state == Answer::State::kWhole) {
    run.outcome = Outcome::kAnswered;
  } else if (answer.state == Answer::State::kGarbled) {
    run.outcome = Outcome::kGarbled;
    run.detail = answer.wrong;
  } else if (answer.state == Answer::State::kNotStarted) {
    run.outcome = Outcome::kNotStarted;
    run.detail = answer.wrong;
  } else if (answer.state == Answer::State::kNoLoader) {
    run.outcome = Outcome::kNoLoader;
    run.detail = answer.wrong;
  } else if (trial_overdue) {
    run.outcome = Outcome::kTimedOut;
    run.detail = no_answer_in(last_calls(answer));
    if (child.abandoned()) run.detail += ", and SIGKILL did not end it";
  } else if (timed_out) {
    run.outcome = Outcome::kTimedOut;
    run.detail = "no whole answer within " + base::seconds_text(options.timeout) + "; it was" +
                 where(answer);
    if (child.abandoned()) run.detail += ", and SIGKILL did not end it";
  } else {
    run.detail = how_it_ended(run);
  }
}

CudaProbe::CudaProbe(std::unique_ptr<State> state) : state_(std::move(state)) {}
CudaProbe::CudaProbe(CudaProbe&&) noexcept = default;
CudaProbe& CudaProbe::operator=(CudaProbe&&) noexcept = default;
CudaProbe::~CudaProbe() = default;

CudaProbe CudaProbe::start(const CudaProbeOptions& options) {
  return CudaProbe(std::make_unique<State>(options));
}

CudaProbeAnswer CudaProbe::collect() {
  State& state = *state_;
  state.listen();
  CudaProbeAnswer result;
  if (state.stays()) result.driver_keepalive = DriverKeepalive(state.child.release());
  state.child.kill_and_reap();

  const Answer& answer = state.reader.answer();
  state.judge(result.run);
  state.child.describe(result.run);
  result.run.last_step = last_calls(answer);
  result.run.load_error = answer.load_error;
  result.run.init_error = answer.init_error;
  result.run.milliseconds =
      std::chrono::duration<double, std::milli>(Clock::now() - state.started).count();
  result.cuda_version = answer.cuda_version;
  result.devices = answer.devices;

  const std::string reason = "the CUDA probe gave no whole answer: " + result.run.detail;
  explain(result.run.load_error, reason);
  explain(result.run.init_error, reason);
  explain(result.cuda_version, reason);
  explain(result.devices, reason);
  distrust_errors(result);
  if (!result.devices) return result;
  if (state.trial_overdue)
    for (const std::size_t i : answer.trials_under_way())
      explain(result.devices.value()[i].context, state.no_answer_in(step_of(answer.trials[i])));
  for (Device& device : result.devices.value())
    explain(device.context, state.options.context ? reason : "not asked for");
  return result;
}

}  // namespace gpuinit::probe
