// What must hold, as plain data: a struct for each table of the policy, a field for each
// key, with its built-in value. src/policy fills it from TOML, environment and command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gpuinit {

enum class Level { kFail, kWarn, kOff };

// What becomes of what a check cannot decide whose failure would stop the command.
enum class Undecided {
  kOk,    // it is only told with --verbose
  kWarn,  // a warning
  kFail,  // a failure
};

// A finding that somebody has looked at and lives with.
struct Accept {
  std::string check;  // id
  std::string about;  // glob on what the finding is about (Finding::about); "*": anything
  std::string why;
  std::string until;  // the last day on which it holds, "2027-01-31". Empty: it has no end
  bool operator==(const Accept&) const = default;
};

enum class GpuRequired {
  kYes,
  kAuto,  // a GPU is needed if the image's torch is a CUDA build, or another framework needs it
  kNo,    // no GPU is needed and the driver is not asked: docker build, CPU jobs
};

// What the visible devices have to be.
enum class GpuMig {
  kAny,
  kNo,   // whole GPUs
  kYes,  // MIG instances
};

enum class LaunchMode {
  kExec,       // gpuinit becomes the command
  kSupervise,  // gpuinit stays, forwards signals, reaps and drains
};

// What happens where the files do not show what the command will run.
enum class Follow {
  kAuto,  // it is traced until it execs that, which is judged then
  kOff,
};

enum class SignalTarget {
  kProcess,  // the command alone, as tini does; it stops its workers itself
  kGroup,    // the command's process group
};

// What the Python probe does (src/probe/python/python_probe.h).
enum class PythonProbe {
  kOff,
  kEnvironment,  // what the interpreter says about itself, and where torch would come from
  kImport,       // also imports torch and what python.imports names
};

// What happens where the host refuses the probes' sandbox (src/probe/sandbox).
enum class ProbeSandbox {
  kRequired,    // no probe
  kBestEffort,  // what the host refuses is left out, and that is reported
  kOff,
};

// What is read ahead from disk for the command.
enum class Pages {
  kAuto,  // what the seal has recorded, else what the image itself suggests
  kSeal,  // what the seal has recorded
  kOff,
};

// The filter that the command's own filter starts from.
enum class SeccompBase {
  kNone,
  kDockerDefault,  // what docker and podman put on a container by default
};

// A failure of the node that may go away by itself.
enum class WaitFor {
  kSystemNotReady,  // CUDA error 802: the fabric manager has not finished
  kNoDevice,        // no GPU, or fewer than gpu.count wants
  kBusy,            // a GPU that another process holds exclusively
};

struct Policy {
  // id → level, for every check there is; empty where no check is asked.
  std::map<std::string, Level> checks;
  Undecided undecided = Undecided::kOk;  // checks.undecided, of those at level `fail`

  std::vector<Accept> accept;  // [[accept]], of all layers

  struct Python {
    // Used where the command does not show which Python it runs: a name on PATH or an
    // absolute path. Empty: python3, then python.
    std::string interpreter;
    // Whether running Python confirms what was read from files.
    PythonProbe probe = PythonProbe::kOff;
    std::vector<std::string> imports;  // modules that probe = "import" imports after torch
  } python;

  struct Image {
    // In the image, where it exists. Empty: not used.
    std::string seal = "/etc/gpuinit/seal";
  } image;

  struct Torch {
    bool required = false;  // torch.install fails if there is no torch at all
  } torch;

  struct Require {
    // Names of frameworks, "jax", that must be there and must get a GPU, though they would go on
    // without.
    std::vector<std::string> frameworks;
  } require;

  // Globs on paths below an entry of sys.path, "torchvision/*"; `*` matches '/' too. Without a '/',
  // the name of a package means all of it: "torchvision".
  struct Extensions {
    std::vector<std::string> include;  // the command needs them: read, and must work
    std::vector<std::string> exclude;  // never read
    // What surely cannot be imported is a failure, whether the command imports it or not.
    bool all = false;
  } extensions;

  struct Gpu {
    GpuRequired required = GpuRequired::kAuto;
    std::string count = ">=1";  // range of the number of visible devices, ">=8", "4"
    // What each GPU may be called (src/rules/device_name.h). Empty: not asked for.
    std::vector<std::string> name;
    std::string compute_capability;     // range, ">=8.0". Empty: not asked for
    GpuMig mig = GpuMig::kAny;          // whole GPUs or MIG instances
    bool same = false;                  // all alike: name, compute capability, memory
    std::uint64_t memory = 0;           // bytes that every GPU must have free. 0: not asked for
    std::uint64_t memory_total = 0;     // … must have in all
    std::vector<std::string> features;  // of every GPU, as kGpuFeatures names them
  } gpu;

  // Version ranges (src/rules/version.h). Empty: not pinned.
  struct Expect {
    std::string python;                           // ">=3.10,<3.13"
    std::string torch;                            // "2.8.*"
    std::string cuda;                             // that torch was built for, "12.8"
    std::string driver;                           // kernel driver, ">=535.104.05"
    std::map<std::string, std::string> packages;  // of distributions by name, "jax" → ">=0.8"
  } expect;

  struct Probe {
    std::chrono::milliseconds timeout{60'000};  // of the CUDA probe, all devices together
    ProbeSandbox sandbox = ProbeSandbox::kRequired;
  } probe;

  struct Warmup {
    bool context = true;  // make a context and run one verified kernel on every device
    std::chrono::milliseconds timeout{30'000};  // what one device may take for that
    // How long the driver is kept awake for a supervised command that has not opened a
    // device yet. 0: not at all.
    std::chrono::milliseconds hold{60'000};
    Pages pages = Pages::kAuto;
    std::uint64_t max_bytes = std::uint64_t{4} << 30;  // of files read ahead
  } warmup;

  struct Wait {
    std::vector<WaitFor> causes;  // for: failures that are waited for before they count
    std::chrono::milliseconds timeout{300'000};  // all of them together
  } wait;

  // The command's own filter (src/seccomp): a base or a profile, then the two lists.
  struct Seccomp {
    SeccompBase base = SeccompBase::kNone;
    std::string profile;             // path of an OCI or docker profile. Empty: not used
    std::vector<std::string> allow;  // names of system calls
    std::vector<std::string> deny;
    bool log = false;  // the kernel logs what is denied
  } seccomp;

  struct Report {
    // What stops the command, and why it failed, is also left there if the file exists
    // (Kubernetes shows it in `kubectl describe`). Empty: nowhere.
    std::string termination_log = "/dev/termination-log";
  } report;

  // All but `mode` count in mode "supervise" only.
  struct Launch {
    LaunchMode mode = LaunchMode::kExec;
    Follow follow = Follow::kAuto;
    std::chrono::milliseconds follow_timeout{600'000};
    SignalTarget signal_target = SignalTarget::kProcess;
    // Received → sent, 0: dropped. A signal that is not in it is forwarded as it comes.
    std::map<int, int> signals;
    // How long all processes have to end after a SIGTERM, or after the command's end,
    // before SIGKILL. Below docker's 10 s.
    std::chrono::milliseconds grace{8'000};
    int parent_death_signal = 0;   // what gpuinit and the command get when their parent dies
    std::vector<int> exit_zero;    // exit codes of the command, 128+n included, that become 0
    bool postmortem = true;        // say what the system knows when the command failed
    bool postmortem_exit = false;  // exit with 69 if the driver no longer answers then
  } launch;
};

}  // namespace gpuinit
