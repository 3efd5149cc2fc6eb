#include "probe/cuda_probe.h"

#include <unistd.h>

#include <climits>
#include <cstdio>
#include <utility>

#include "gpuinit/probe_protocol.h"
#include "probe/answer.h"
#include "probe/child.h"
#include "probe/embedded_cuda_probe.h"
#include "probe/environment.h"
#include "probe/refusals.h"

namespace gpuinit::probe {

namespace {

using Outcome = ProbeRun::Outcome;

// The dynamic loader's own exit status when it cannot load what the program needs.
constexpr int kLoaderFailed = 127;

ChildProgram program_for(const CudaProbeOptions& options) {
  char directory[PATH_MAX];
  const bool known = ::getcwd(directory, sizeof directory) != nullptr && directory[0] == '/';
  ChildProgram program;
  program.name = "gpuinit-cuda-probe";
  program.installed_path = options.installed_path;
  program.image = embedded_cuda_probe();
  program.arguments = {options.context ? probe_protocol::kAskContext : probe_protocol::kAskDevices};
  program.environment = cuda_environment(options.environment, known ? directory : "");
  program.sandbox.level = options.sandbox;
  return program;
}

// "60 s", "1.5 s"
std::string seconds(std::chrono::milliseconds time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g s", static_cast<double>(time.count()) / 1000);
  return text;
}

std::string where(const Answer& answer) {
  return answer.last_step.empty() ? " before its first call" : " in " + answer.last_step;
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
  void listen();
  void judge(ProbeRun& run) const;
  std::string how_it_ended(ProbeRun& run) const;

  CudaProbeOptions options;
  Clock::time_point started;
  Child child;
  AnswerReader reader;
  bool timed_out = false;
};

// Until the answer is whole, the child has ended, or time is up.
void CudaProbe::State::listen() {
  std::string output;
  while (!reader.finished()) {
    output.clear();
    const auto event = child.wait(output, deadline());
    reader.feed(output);
    if (event == Child::Event::kEnded) return;
    if (event == Child::Event::kDeadline) {
      timed_out = true;
      return;
    }
  }
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
  if (!answer.greeted && end.status == kLoaderFailed)
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
  } else if (timed_out) {
    run.outcome = Outcome::kTimedOut;
    run.detail = "no whole answer within " + seconds(options.timeout) + "; it was" + where(answer);
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
  state.child.kill_and_reap();

  CudaProbeAnswer result;
  const Answer& answer = state.reader.answer();
  state.judge(result.run);
  state.child.describe(result.run);
  result.run.last_step = answer.last_step;
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
  if (result.devices)
    for (Device& device : result.devices.value())
      explain(device.context, state.options.context ? reason : "not asked for");
  distrust_errors(result);
  return result;
}

}  // namespace gpuinit::probe
