// What must hold, as plain data. src/policy makes it from TOML, environment and
// command line; every field here is one key of the policy and has its default here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gpuinit {

enum class Level { kFail, kWarn, kOff };

enum class GpuRequired {
  kAuto,  // a GPU is needed when the image's torch is a CUDA build
  kYes,
  kNo,  // none is needed and none is asked for: docker build, CPU jobs
};

enum class LaunchMode {
  kExec,       // gpuinit becomes the command
  kSupervise,  // gpuinit stays, forwards signals, reaps and drains
};

enum class SignalTarget {
  kProcess,  // the command alone, as tini does; it tells its workers itself
  kGroup,    // the command's process group
};

// What the Python probe does (src/probe/python_probe.h).
enum class PythonProbe {
  kOff,
  kEnvironment,  // what the interpreter says of itself, and where torch would come from
  kImport,       // also imports torch and what python.imports names
};

// How much the probes' sandbox (src/probe/sandbox.h) matters.
enum class ProbeSandbox {
  kRequired,    // a host that refuses it gets no probe
  kBestEffort,  // what the host refuses is left out, and that is said
  kOff,
};

// The filter that the command's own starts from.
enum class SeccompBase {
  kNone,
  kDockerDefault,  // what docker and podman put on a container by default
};

// A failure that may go away by itself.
enum class WaitFor {
  kSystemNotReady,  // CUDA error 802: the fabric manager is not done yet
  kNoDevice,        // no GPU, or fewer than gpu.count wants
  kBusy,            // a GPU that another process holds exclusively
};

struct Policy {
  // [checks] id → level. Every id of kCheckIds is there.
  std::map<std::string, Level> checks;

  // [python] interpreter: used when the command does not tell which Python it
  // runs; a name on PATH or an absolute path. Empty: python3, then python.
  std::string python_interpreter;

  // probe: whether running Python confirms what was read from files.
  PythonProbe python_probe = PythonProbe::kOff;  // probe = "off" | "environment" | "import"
  std::vector<std::string>
      python_imports;  // imports: modules that probe = "import" imports after torch

  // [torch] required: torch.install fails when there is no torch at all.
  bool torch_required = false;

  // [extensions] globs on paths below an entry of sys.path, "torchvision/*"; `*` crosses '/'.
  std::vector<std::string> extensions_include;  // the command needs them: read, and must work
  std::vector<std::string> extensions_exclude;  // never read

  // [gpu]
  GpuRequired gpu_required = GpuRequired::kAuto;  // required = "auto" | "yes" | "no"
  std::string gpu_count = ">=1";                  // count: range of visible devices, ">=8", "4"

  // [expect] version ranges (src/rules/version.h); empty: not pinned.
  std::string expect_python;  // ">=3.10,<3.13"
  std::string expect_torch;   // "2.8.*"
  std::string expect_cuda;    // of torch's build, "12.8"
  std::string expect_driver;  // kernel driver, ">=535.104.05"

  // [probe] timeout: seconds the CUDA probe may take, all devices together.
  std::chrono::milliseconds probe_timeout{60'000};
  ProbeSandbox probe_sandbox =
      ProbeSandbox::kRequired;  // sandbox = "required" | "best-effort" | "off"

  // [warmup] context: make one context and run one verified kernel on every device.
  bool warmup_context = true;
  std::chrono::milliseconds warmup_timeout{30'000};  // timeout: what one device may take for that
  // hold: how long the driver is kept awake for a supervised command that has not opened
  // a device yet; 0: not at all.
  std::chrono::milliseconds warmup_hold{60'000};
  // pages: "auto", "off", or the absolute path of what --record wrote.
  std::string warmup_pages = "auto";
  std::uint64_t warmup_max_bytes = std::uint64_t{4} << 30;  // max-bytes: of files read ahead

  // [wait] for: failures that are waited for before they count; timeout: how long in all.
  std::vector<WaitFor> wait_for;
  std::chrono::milliseconds wait_timeout{300'000};

  // [seccomp] The command's own filter (src/seccomp): a base or a profile, then the lists.
  SeccompBase seccomp_base = SeccompBase::kNone;  // base = "none" | "docker-default"
  std::string seccomp_profile;             // profile: path of an OCI or docker profile; empty: none
  std::vector<std::string> seccomp_allow;  // names of system calls
  std::vector<std::string> seccomp_deny;
  bool seccomp_log = false;  // log: the kernel logs what is denied

  // [report] termination-log: a failing report is also written there if the
  // file exists (Kubernetes shows it in `kubectl describe`). Empty: nowhere.
  std::string termination_log = "/dev/termination-log";

  // [launch] All but `mode` count in mode "supervise" only.
  LaunchMode launch_mode = LaunchMode::kExec;  // mode = "exec" | "supervise"
  SignalTarget launch_signal_target =
      SignalTarget::kProcess;  // signal-target = "process" | "group"

  // [launch.signals] SIGTERM = "SIGINT": received → sent, 0: dropped. A signal
  // that is not in it is forwarded as it comes.
  std::map<int, int> launch_signals;

  // grace: seconds that everybody has to end after a SIGTERM, or after the
  // command's end, before SIGKILL. Below docker's 10.
  std::chrono::milliseconds launch_grace{8'000};

  // parent-death-signal: what gpuinit and the command get when their parent dies; 0: nothing.
  int launch_parent_death_signal = 0;

  // exit-zero: exit codes of the command, 128+n included, that become 0.
  std::vector<int> launch_exit_zero;

  // postmortem: say what the system knows when the command failed.
  bool launch_postmortem = true;
  // postmortem-exit: exit with 69 if the driver no longer answers then.
  bool launch_postmortem_exit = false;
};

}  // namespace gpuinit
