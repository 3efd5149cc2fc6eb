#include "probe/cuda/cuda_probe.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <utility>

#include "base/seconds_text.h"
#include "base/text.h"
#include "probe/child/child_environment.h"
#include "probe/child/conversation.h"
#include "probe/child/embedded_files.h"
#include "probe/cuda/cuda_answer_reader.h"

namespace gpuinit::probe {

namespace {

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
  program.loader_needs = "libc.so.6 and libdl.so.2 of glibc 2.17 or later";
  return program;
}

// In an exclusive mode the driver serves one process, and that must be the command.
bool serves_many(const std::vector<Device>& devices) {
  return !devices.empty() && std::all_of(devices.begin(), devices.end(), [](const Device& device) {
    return device.compute_mode.value_or("") == "default";
  });
}

}  // namespace

struct CudaProbe::State {
  explicit State(const CudaProbeOptions& asked)
      : options(asked),
        conversation(program_for(asked), reader, asked.timeout, Clock::now() + asked.timeout) {}

  void listen();
  Clock::time_point next_deadline();
  bool stays() const;

  CudaProbeOptions options;
  CudaAnswerReader reader;
  Conversation conversation;
  std::vector<std::optional<Clock::time_point>> trials;  // when they were seen to begin
  bool trial_overdue = false;  // the devices that are still on trial, and only they
};

// When the probe is ended unless it says something before.
Clock::time_point CudaProbe::State::next_deadline() {
  const auto& said = reader.answer().trials;
  trials.resize(said.size());
  Clock::time_point last{};
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (said[i].begun && !trials[i]) trials[i] = Clock::now();
    if (said[i].under_way()) last = std::max(last, *trials[i] + options.trial_timeout);
  }
  return last == Clock::time_point{} ? conversation.deadline()
                                     : std::min(last, conversation.deadline());
}

bool CudaProbe::State::stays() const {
  const CudaAnswer& answer = reader.answer();
  return options.keep_driver_awake && reader.state() == AnswerReader::State::kWhole &&
         answer.holding && serves_many(*answer.devices);
}

void CudaProbe::State::listen() {
  while (conversation.hear(next_deadline())) {
  }
  trial_overdue = conversation.timed_out() && Clock::now() < conversation.deadline();
  // After a whole answer it exits by itself. The driver may take a while to free a device, and
  // the command must not find it busy.
  if (reader.state() == AnswerReader::State::kWhole && !reader.answer().holding)
    conversation.child().wait_until_ended(conversation.deadline());
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
  const CudaAnswer& answer = state.reader.answer();
  const std::string too_slow =
      "no answer within " + base::seconds_text(state.options.trial_timeout) + " in ";
  CudaProbeAnswer result;
  if (state.stays())
    result.driver_keepalive = DriverKeepalive(state.conversation.child().release());
  result.run =
      state.conversation.end(state.trial_overdue ? too_slow + state.reader.last_steps() : "");
  result.run.load_error = answer.load_error;
  result.run.init_error = answer.init_error;
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
      explain(result.devices.value()[i].context, too_slow + answer.trials[i].where());
  for (Device& device : result.devices.value())
    explain(device.context, state.options.context ? reason : "not asked for");
  return result;
}

void distrust_errors(CudaProbeAnswer& answer) {
  if (answer.run.refused_calls.empty()) return;
  const std::string reason = "the probe's sandbox refused " +
                             base::join_with(answer.run.refused_calls, ", ") +
                             ", which may be why the driver failed; probe.sandbox = \"off\" asks "
                             "it without";
  auto& init = answer.run.init_error;
  const bool failed = init.known() && *init != 0;
  if (failed) init = Fact<int>::unknown(reason);
  if (failed || !answer.devices) answer.devices = Fact<std::vector<Device>>::unknown(reason);
  if (!answer.devices) return;
  for (Device& device : answer.devices.value())
    if (device.context && device.context->cuda_error != 0)
      device.context = Fact<ContextTrial>::unknown(reason);
}

}  // namespace gpuinit::probe
