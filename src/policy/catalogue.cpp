#include "policy/catalogue.h"

#include <csignal>

#include "base/signal_name.h"
#include "base/text.h"
#include "gpuinit/check_ids.h"

namespace gpuinit::policy {

namespace {

#define FIELD(path) \
  [](Policy & policy) -> auto& { return policy.path; }

constexpr std::string_view kSignals = "launch.signals";

std::vector<Key> make_catalogue() {
  std::vector<Key> keys;
  for (const auto id : kCheckIds)
    keys.push_back({"checks." + std::string(id), CheckLevel{id},
                    "what a failure of this check does: stop, only be said, or not be looked for"});
  const Key others[] = {
      {"python.interpreter", Text{FIELD(python.interpreter), TextRule::kProgram},
       "the Python that is judged when the command does not tell; empty: python3, then python"},
      {"python.probe", FIELD(python.probe),
       "whether running Python confirms what was read from files: not, what it says of itself, or "
       "also what it imports"},
      {"python.imports", Texts{FIELD(python.imports), ListRule::kModules},
       "modules that must be importable, where python.probe is \"import\""},
      {"torch.required", FIELD(torch.required), "an image without torch fails torch.install"},
      {"extensions.include", Texts{FIELD(extensions.include), ListRule::kGlobs},
       "extensions that the command needs: they are read whatever they need, and must work"},
      {"extensions.exclude", Texts{FIELD(extensions.exclude), ListRule::kGlobs},
       "extensions that nobody looks at"},
      {"gpu.required", FIELD(gpu.required),
       "whether a GPU is needed; auto: when the image's torch is a CUDA build"},
      {"gpu.count", Text{FIELD(gpu.count), TextRule::kCountRange},
       "how many GPUs the command must see, where one is needed"},
      {"expect.python", Text{FIELD(expect.python), TextRule::kVersionRange},
       "pins the interpreter's version"},
      {"expect.torch", Text{FIELD(expect.torch), TextRule::kVersionRange}, "pins torch's version"},
      {"expect.cuda", Text{FIELD(expect.cuda), TextRule::kVersionRange},
       "pins the CUDA version that torch was built for"},
      {"expect.driver", Text{FIELD(expect.driver), TextRule::kVersionRange},
       "pins the version of the kernel driver"},
      {"probe.timeout", FIELD(probe.timeout),
       "how many seconds the CUDA probe may take, all devices together"},
      {"probe.sandbox", FIELD(probe.sandbox),
       "what happens where the kernel refuses the probes' sandbox: no probe, or a probe without"},
      {"warmup.context", FIELD(warmup.context),
       "make a context and run one verified kernel on every device before the command"},
      {"warmup.timeout", FIELD(warmup.timeout), "how many seconds one device may take for that"},
      {"warmup.hold", SecondsOrNone{FIELD(warmup.hold)},
       "how many seconds the driver is kept awake for a supervised command that has not opened a "
       "device yet"},
      {"warmup.pages", Text{FIELD(warmup.pages), TextRule::kPages},
       "what is read ahead from disk for the command: what the image tells, what --record wrote, "
       "or "
       "nothing"},
      {"warmup.max-bytes", FIELD(warmup.max_bytes), "how much is read ahead at most"},
      {"wait.for", FIELD(wait.causes),
       "failures of the node that are waited for before they count"},
      {"wait.timeout", FIELD(wait.timeout), "how many seconds they are waited for in all"},
      {"seccomp.base", FIELD(seccomp.base),
       "the system call filter that the command's own starts from"},
      {"seccomp.profile", Text{FIELD(seccomp.profile), TextRule::kFile},
       "an OCI or docker seccomp profile to start from instead; empty: none"},
      {"seccomp.allow", Texts{FIELD(seccomp.allow), ListRule::kSystemCalls},
       "system calls that the command may make whatever the base says"},
      {"seccomp.deny", Texts{FIELD(seccomp.deny), ListRule::kSystemCalls},
       "system calls that fail with EPERM whatever the base says"},
      {"seccomp.log", FIELD(seccomp.log), "the kernel logs what the filter denies"},
      {"report.termination-log", Text{FIELD(report.termination_log), TextRule::kFile},
       "a failing report is also written there if the file exists; empty: nowhere"},
      {"launch.mode", FIELD(launch.mode),
       "become the command, or stay as its supervisor (the same as --supervise)"},
      {"launch.signal-target", FIELD(launch.signal_target),
       "whether the command alone gets the signals, or its process group"},
      {"launch.grace", FIELD(launch.grace),
       "how many seconds everybody has to end after SIGTERM or the command's end, before SIGKILL"},
      {"launch.parent-death-signal", SignalName{FIELD(launch.parent_death_signal)},
       "what gpuinit and the command get when their parent dies; empty: nothing"},
      {"launch.exit-zero", FIELD(launch.exit_zero),
       "exit codes of the command, 128+n included, that become 0"},
      {"launch.postmortem", FIELD(launch.postmortem),
       "say what the system knows when the command failed"},
      {"launch.postmortem-exit", FIELD(launch.postmortem_exit),
       "exit with 69 when the command failed and the driver no longer answers"},
  };
  keys.insert(keys.end(), std::begin(others), std::end(others));
  for (int signal = 1; signal <= base::kLastSignal; ++signal) {
    // The kernel lets nobody receive the first two; the third says that a child ended.
    if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD) continue;
    keys.push_back({std::string(kSignals) + "." + base::signal_name(signal), SignalAction{signal},
                    "what the command gets when gpuinit gets this signal"});
  }
  return keys;
}

// The names directly under `table`, "" for the top: "gpu" → required, count.
std::vector<std::string> members(std::string_view table) {
  const std::string prefix = table.empty() ? "" : std::string(table) + ".";
  std::vector<std::string> names;
  for (const auto& key : catalogue()) {
    if (!key.name.starts_with(prefix)) continue;
    std::string name = key.name.substr(prefix.size());
    // The ids of checks have a dot themselves and are named whole.
    if (table.empty() || goes_without_saying(key)) name.resize(name.find('.'));
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

// The key whose last names are these, if there is exactly one, else "".
std::string only_key_ending(std::string_view names) {
  std::string found;
  for (const auto& key : catalogue()) {
    if (!key.name.ends_with("." + std::string(names))) continue;
    if (!found.empty()) return "";
    found = key.name;
  }
  return found;
}

}  // namespace

const std::vector<Key>& catalogue() {
  static const std::vector<Key> keys = make_catalogue();
  return keys;
}

const Key* find_key(std::string_view name) {
  for (const auto& key : catalogue())
    if (key.name == name) return &key;
  return nullptr;
}

bool goes_without_saying(const Key& key) { return std::holds_alternative<SignalAction>(key.field); }

bool is_table(std::string_view name) {
  for (const auto& key : catalogue())
    if (key.name.size() > name.size() && key.name.starts_with(name) && key.name[name.size()] == '.')
      return true;
  return false;
}

std::string keys_of(std::string_view table) {
  if (table == kSignals) return "[" + std::string(table) + "] has signals such as SIGTERM";
  return "[" + std::string(table) + "] has " + base::join_with(members(table), ", ");
}

std::string suggestion(std::string_view unknown) {
  std::vector<std::string> names;
  for (const auto& key : catalogue()) names.push_back(key.name);
  const std::vector<std::string> tables = members("");
  names.insert(names.end(), tables.begin(), tables.end());
  const std::string_view last = unknown.substr(unknown.rfind('.') + 1);
  std::string near = base::nearest(unknown, names);
  if (near.empty()) near = only_key_ending(unknown);  // its table was forgotten
  if (near.empty()) near = only_key_ending(last);     // it was put into another table
  if (!near.empty()) return "did you mean `" + near + "`?";
  const std::string_view table = unknown.substr(0, unknown.find('.'));
  if (is_table(table)) return keys_of(table);
  return "a policy has the tables " + base::join_with(tables, ", ");
}

Policy built_in_policy() {
  Policy policy;
  for (const auto id : kCheckIds) policy.checks[std::string(id)] = Level::kFail;
  for (const auto id : kChecksThatWarn) policy.checks[std::string(id)] = Level::kWarn;
  return policy;
}

}  // namespace gpuinit::policy
