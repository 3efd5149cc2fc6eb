#include "policy/keys.h"

#include <algorithm>
#include <csignal>
#include <type_traits>

#include "base/signal_name.h"
#include "base/text.h"
#include "policy/orders.h"

namespace gpuinit::policy {

namespace {

constexpr std::string_view kChecks = "checks.";
constexpr std::string_view kSignals = "launch.signals.";
constexpr std::string_view kPackages = "expect.packages.";

template <class T>
Status assign(Result<T> parsed, T& field) {
  if (!parsed) return std::move(parsed).error();
  field = std::move(parsed).value();
  return Done{};
}

template <auto Table, auto Field, auto order>
constexpr auto keeping() -> decltype(Binding::keeps) {
  if constexpr (std::is_null_pointer_v<decltype(order)>) return nullptr;
  else
    return [](std::string_view, const Policy& now, const Policy& wanted) {
      return order(now.*Table.*Field, wanted.*Table.*Field);
    };
}

// `order`: one of orders.h.
template <const auto& codec, auto Table, auto Field, auto order>
constexpr Binding field() {
  return {&codec,
          [](std::string_view, const Policy& policy) { return codec.print(policy.*Table.*Field); },
          [](std::string_view, const Value& value, const Problems& problems, Policy& policy) {
            return assign(codec.parse(value, problems), policy.*Table.*Field);
          },
          keeping<Table, Field, order>()};
}

std::string check_of(std::string_view name) { return std::string(name.substr(kChecks.size())); }

Level level_of(std::string_view name, const Policy& policy) {
  const auto found = policy.checks.find(check_of(name));
  return found == policy.checks.end() ? Level::kFail : found->second;
}

constexpr Binding kLevelOfCheck{
    &kChoice<Level>,
    [](std::string_view name, const Policy& policy) {
      return kChoice<Level>.print(level_of(name, policy));
    },
    [](std::string_view name, const Value& value, const Problems& problems, Policy& policy) {
      return assign(kChoice<Level>.parse(value, problems), policy.checks[check_of(name)]);
    },
    [](std::string_view name, const Policy& now, const Policy& wanted) {
      return smaller(level_of(name, now), level_of(name, wanted));
    }};

constexpr Binding kUndecided{
    &kChoice<Undecided>,
    [](std::string_view, const Policy& policy) {
      return kChoice<Undecided>.print(policy.undecided);
    },
    [](std::string_view, const Value& value, const Problems& problems, Policy& policy) {
      return assign(kChoice<Undecided>.parse(value, problems), policy.undecided);
    },
    [](std::string_view, const Policy& now, const Policy& wanted) {
      return larger(now.undecided, wanted.undecided);
    }};

// The entries of every layer hold together; an empty list takes those below away.
constexpr Binding kAccepts{
    &kAccepted,
    [](std::string_view, const Policy& policy) { return kAccepted.print(policy.accept); },
    [](std::string_view, const Value& value, const Problems& problems, Policy& policy) -> Status {
      auto entries = kAccepted.parse(value, problems);
      if (!entries) return std::move(entries).error();
      for (const Accept& entry : *entries)
        if (!policy.checks.contains(entry.check))
          return Error{"no check is called " + base::printable(entry.check, 60) + kMayBeNewer};
      if (entries->empty()) policy.accept.clear();
      for (Accept& entry : *entries)
        if (std::ranges::find(policy.accept, entry) == policy.accept.end())
          policy.accept.push_back(std::move(entry));
      return Done{};
    },
    [](std::string_view, const Policy& now, const Policy& wanted) {
      return shorter(now.accept, wanted.accept);
    }};

int signal_of(std::string_view name) {
  return base::signal_number(name.substr(kSignals.size())).value_or(0);
}

std::string range_of(std::string_view name, const Policy& policy) {
  const auto found = policy.expect.packages.find(std::string(name.substr(kPackages.size())));
  return found == policy.expect.packages.end() ? "" : found->second;
}

constexpr Binding kRangeOfPackage{
    &kVersionRange,
    [](std::string_view name, const Policy& policy) {
      return kVersionRange.print(range_of(name, policy));
    },
    [](std::string_view name, const Value& value, const Problems& problems, Policy& policy) {
      std::string range;
      auto done = assign(kVersionRange.parse(value, problems), range);
      if (done) policy.expect.packages[std::string(name.substr(kPackages.size()))] = range;
      return done;
    },
    [](std::string_view name, const Policy& now, const Policy& wanted) {
      return narrower_versions(range_of(name, now), range_of(name, wanted));
    }};

constexpr Binding kActionOfSignal{
    &kSignalAction,
    [](std::string_view name, const Policy& policy) {
      const auto found = policy.launch.signals.find(signal_of(name));
      return kSignalAction.print(
          found == policy.launch.signals.end() ? std::nullopt : std::optional(found->second));
    },
    [](std::string_view name, const Value& value, const Problems& problems, Policy& policy) {
      std::optional<int> sent;
      auto done = assign(kSignalAction.parse(value, problems), sent);
      if (!done) return done;
      policy.launch.signals.erase(signal_of(name));
      if (sent && *sent != signal_of(name)) policy.launch.signals.emplace(signal_of(name), *sent);
      return done;
    },
    kNoOrder};

struct Row {
  std::string_view name;
  Binding binding;
  std::string_view meaning;
};
using P = Policy;
using std::chrono::milliseconds;

// All keys but those of [checks] and [launch.signals], in the order of Policy's members.
constexpr Row kRows[] = {
    {"python.interpreter", field<kProgram, &P::python, &P::Python::interpreter, kNoOrder>(),
     "the Python that is judged if the command does not show which one it runs; empty: python3, "
     "then python"},
    {"python.probe",
     field<kChoice<PythonProbe>, &P::python, &P::Python::probe, larger<PythonProbe>>(),
     "whether running Python confirms what was read from files: not at all, what it says about "
     "itself, or also what it imports"},
    {"python.imports", field<kModules, &P::python, &P::Python::imports, longer<std::string>>(),
     "modules that must be importable, where python.probe is \"import\""},
    {"image.seal", field<kFilePath, &P::image, &P::Image::seal, no_other_seal>(),
     "what --seal wrote in the image, used where it exists; empty: every file is read anew"},
    {"torch.required", field<kBoolean, &P::torch, &P::Torch::required, larger<bool>>(),
     "an image without torch fails torch.install"},
    {"require.frameworks",
     field<kFrameworks, &P::require, &P::Require::frameworks, longer<std::string>>(),
     "frameworks beside torch that must be there and get a GPU, though they would go on without"},
    {"extensions.include",
     field<kGlobs, &P::extensions, &P::Extensions::include, longer<std::string>>(),
     "extensions that the command needs: they are read whatever they need, must be there, and must "
     "work"},
    {"extensions.exclude",
     field<kGlobs, &P::extensions, &P::Extensions::exclude, shorter<std::string>>(),
     "extensions that are not looked at"},
    {"extensions.all", field<kBoolean, &P::extensions, &P::Extensions::all, larger<bool>>(),
     "an installed package that surely cannot be imported is a failure, whatever the command "
     "imports"},
    {"gpu.required",
     field<kChoice<GpuRequired>, &P::gpu, &P::Gpu::required, smaller<GpuRequired>>(),
     "whether a GPU is needed; auto: if the image's torch is a CUDA build, or another framework "
     "needs "
     "one"},
    {"gpu.count", field<kCountRange, &P::gpu, &P::Gpu::count, narrower_count>(),
     "how many GPUs the command must see, where one is needed"},
    {"gpu.name", field<kGpuNames, &P::gpu, &P::Gpu::name, fewer_choices>(),
     "what every GPU must be called, one of these: words of its name, or a pattern of all of it"},
    {"gpu.compute-capability",
     field<kVersionRange, &P::gpu, &P::Gpu::compute_capability, narrower_versions>(),
     "which compute capability every GPU must have"},
    {"gpu.mig", field<kChoice<GpuMig>, &P::gpu, &P::Gpu::mig, first_choice<GpuMig>>(),
     "whether what is visible must be whole GPUs (no) or MIG instances (yes)"},
    {"gpu.same", field<kBoolean, &P::gpu, &P::Gpu::same, larger<bool>>(),
     "all GPUs must be alike: name, compute capability and memory"},
    {"gpu.memory", field<kBytesOrZero, &P::gpu, &P::Gpu::memory, larger<std::uint64_t>>(),
     "how much memory every GPU must have free; 0: not asked for"},
    {"gpu.memory-total",
     field<kBytesOrZero, &P::gpu, &P::Gpu::memory_total, larger<std::uint64_t>>(),
     "how much memory every GPU must have in all; 0: not asked for"},
    {"gpu.features", field<kGpuFeatureList, &P::gpu, &P::Gpu::features, longer<std::string>>(),
     "what every GPU must be able to do, for mixed precision or for working together"},
    {"expect.python", field<kVersionRange, &P::expect, &P::Expect::python, narrower_versions>(),
     "pins the interpreter's version"},
    {"expect.torch", field<kVersionRange, &P::expect, &P::Expect::torch, narrower_versions>(),
     "pins torch's version"},
    {"expect.cuda", field<kVersionRange, &P::expect, &P::Expect::cuda, narrower_versions>(),
     "pins the CUDA version that torch was built for"},
    {"expect.driver", field<kVersionRange, &P::expect, &P::Expect::driver, narrower_versions>(),
     "pins the version of the kernel driver"},
    {"probe.timeout", field<kSeconds, &P::probe, &P::Probe::timeout, smaller<milliseconds>>(),
     "how many seconds the CUDA probe may take, all devices together"},
    {"probe.sandbox",
     field<kChoice<ProbeSandbox>, &P::probe, &P::Probe::sandbox, smaller<ProbeSandbox>>(),
     "what happens if the kernel refuses the probes' sandbox: no probe, or a probe without it; "
     "off: never a sandbox"},
    {"warmup.context", field<kBoolean, &P::warmup, &P::Warmup::context, larger<bool>>(),
     "make a context and run one verified kernel on every device before the command"},
    {"warmup.timeout", field<kSeconds, &P::warmup, &P::Warmup::timeout, smaller<milliseconds>>(),
     "how many seconds one device may take for that"},
    {"warmup.hold", field<kSecondsOrZero, &P::warmup, &P::Warmup::hold, kNoOrder>(),
     "how many seconds the driver is kept awake for a supervised command that has not opened a "
     "device yet; 0: not at all"},
    {"warmup.pages", field<kChoice<Pages>, &P::warmup, &P::Warmup::pages, kNoOrder>(),
     "what is read ahead from disk for the command: what the seal has recorded, else what the "
     "image suggests; the former alone; or nothing"},
    {"warmup.max-bytes", field<kBytes, &P::warmup, &P::Warmup::max_bytes, kNoOrder>(),
     "how much is read ahead at most"},
    {"wait.for", field<kWaitCauses, &P::wait, &P::Wait::causes, kNoOrder>(),
     "failures of the node that are waited for before they count"},
    {"wait.timeout", field<kSeconds, &P::wait, &P::Wait::timeout, kNoOrder>(),
     "how many seconds they are waited for in all"},
    {"seccomp.base",
     field<kChoice<SeccompBase>, &P::seccomp, &P::Seccomp::base, larger<SeccompBase>>(),
     "the system call filter that the command's own filter starts from"},
    {"seccomp.profile",
     field<kFilePath, &P::seccomp, &P::Seccomp::profile, first_choice<std::string>>(),
     "an OCI or docker seccomp profile to start from instead; empty: no profile"},
    {"seccomp.allow", field<kSystemCalls, &P::seccomp, &P::Seccomp::allow, shorter<std::string>>(),
     "system calls that the command may make whatever the base says"},
    {"seccomp.deny", field<kSystemCalls, &P::seccomp, &P::Seccomp::deny, longer<std::string>>(),
     "system calls that fail with EPERM whatever the base says"},
    {"seccomp.log", field<kBoolean, &P::seccomp, &P::Seccomp::log, larger<bool>>(),
     "the kernel logs what the filter denies"},
    {"report.termination-log",
     field<kFilePath, &P::report, &P::Report::termination_log, kNoOrder>(),
     "what stops the command, and why it failed, is also left there if the file exists; empty: "
     "nowhere"},
    {"launch.mode", field<kChoice<LaunchMode>, &P::launch, &P::Launch::mode, kNoOrder>(),
     "become the command, or stay as its supervisor (the same as --supervise)"},
    {"launch.follow", field<kChoice<Follow>, &P::launch, &P::Launch::follow, smaller<Follow>>(),
     "where the files do not show what the command will run: follow it until it execs that, and "
     "judge it then"},
    {"launch.follow-timeout",
     field<kSeconds, &P::launch, &P::Launch::follow_timeout, larger<milliseconds>>(),
     "how many seconds it is followed"},
    {"launch.signal-target",
     field<kChoice<SignalTarget>, &P::launch, &P::Launch::signal_target, kNoOrder>(),
     "whether the command alone gets the signals, or its process group"},
    {"launch.grace", field<kSeconds, &P::launch, &P::Launch::grace, kNoOrder>(),
     "how many seconds all processes have to end after SIGTERM or the command's end, before "
     "SIGKILL"},
    {"launch.parent-death-signal",
     field<kSignal, &P::launch, &P::Launch::parent_death_signal, kNoOrder>(),
     "what gpuinit and the command get when their parent dies; empty: nothing"},
    {"launch.exit-zero", field<kExitCodes, &P::launch, &P::Launch::exit_zero, shorter<int>>(),
     "exit codes of the command, 128+n included, that become 0"},
    {"launch.postmortem", field<kBoolean, &P::launch, &P::Launch::postmortem, larger<bool>>(),
     "say what the system knows when the command failed"},
    {"launch.postmortem-exit",
     field<kBoolean, &P::launch, &P::Launch::postmortem_exit, larger<bool>>(),
     "exit with 69 when the command failed and the driver no longer answers"},
};

}  // namespace

KeyTable::KeyTable(std::span<const CheckInfo> checks) {
  // Above all tables, so that --print-policy may print it as one line.
  keys_.push_back({"accept", kAccepts, "findings that are known and do not count",
                   /*hidden_unless_set=*/true});
  for (const CheckInfo& check : checks) {
    built_in_.checks[std::string(check.id)] = check.level;
    keys_.push_back({std::string(kChecks) + std::string(check.id), kLevelOfCheck,
                     "whether a failure of this check stops the command, is only reported, or is "
                     "not looked for"});
  }
  keys_.push_back({std::string(kChecks) + "undecided", kUndecided,
                   "what becomes of what a check at level fail cannot decide"});
  for (const auto& [name, binding, meaning] : kRows)
    keys_.push_back({std::string(name), binding, meaning});
  for (int signal = 1; signal <= base::kLastSignal; ++signal) {
    // The first two cannot be received; the third says that a child ended.
    if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD) continue;
    keys_.push_back({std::string(kSignals) + base::signal_name(signal), kActionOfSignal,
                     "what the command gets when gpuinit gets this signal",
                     /*hidden_unless_set=*/true});
  }
}

void KeyTable::take_in(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (!name.starts_with(kPackages) || name.size() == kPackages.size() || find(name) != nullptr ||
      name.find_first_not_of(kAllowed, kPackages.size()) != std::string_view::npos)
    return;
  keys_.push_back({std::string(name), kRangeOfPackage, "pins the version of a distribution"});
}

bool has_order(const Key& key) { return key.binding.keeps != nullptr; }

bool keeps(const Key& key, const Policy& now, const Policy& wanted) {
  if (has_order(key)) return key.binding.keeps(key.name, now, wanted);
  return toml_text(get(key, now)) == toml_text(get(key, wanted));
}

Value get(const Key& key, const Policy& policy) { return key.binding.get(key.name, policy); }

Status set(const Key& key, const Value& value, const Problems& problems, Policy& policy) {
  auto done = key.binding.set(key.name, value, problems, policy);
  if (done) return done;
  const std::string& detail = done.error().message;
  return Error{"expected " + expectation(key) + ", found " + describe(value) +
               (detail.empty() ? "" : " (" + detail + ")")};
}

std::string expectation(const Key& key) {
  const CodecInfo& codec = *key.binding.codec;
  return std::string(codec.expected) + (codec.names != nullptr ? codec.names() : "");
}

}  // namespace gpuinit::policy
