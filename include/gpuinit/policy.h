// What must hold, as plain data. src/policy makes it from TOML, environment and
// command line; every field here is one key of the policy and has its default here.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace gpuinit {

enum class Level { kFail, kWarn, kOff };

enum class GpuRequired {
  kAuto,  // a GPU is needed when the image's torch is a CUDA build
  kYes,
  kNo,    // none is needed and none is asked for: docker build, CPU jobs
};

struct Policy {
  // [checks] id → level. Every id of kCheckIds is there.
  std::map<std::string, Level> checks;

  // [python] interpreter: used when the command does not tell which Python it
  // runs; a name on PATH or an absolute path. Empty: python3, then python.
  std::string python_interpreter;

  // [torch] required: torch.install fails when there is no torch at all.
  bool torch_required = false;

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

  // [warmup] context: make one context and run one verified kernel on every device.
  bool warmup_context = true;

  // [report] termination-log: a failing report is also written there if the
  // file exists (Kubernetes shows it in `kubectl describe`). Empty: nowhere.
  std::string termination_log = "/dev/termination-log";
};

}  // namespace gpuinit
