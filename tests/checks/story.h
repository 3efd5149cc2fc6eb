// Images and nodes as the readers would describe them, to be changed one fact at a time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "checks/run_checks.h"
#include "gpuinit/check_ids.h"

namespace gpuinit::checks {

using Text = Fact<std::string>;

inline std::string soabi(const std::string& tag) { return "cpython-" + tag + "-x86_64-linux-gnu"; }

inline Interpreter python(const std::string& version, const std::string& tag) {
  Interpreter python;
  python.path = "/usr/local/bin/python" + version.substr(0, version.rfind('.'));
  python.real_path = python.path;
  python.chosen_because = "`python` found on PATH";
  python.from_command = true;
  python.version = version;
  python.soabi = soabi(tag);
  python.soabi_source = Text("/usr/local/lib/python/_sysconfigdata.py");
  python.machine = Text("x86_64");
  python.libc = Text("glibc");
  python.prefix = Text("/usr/local");
  python.base_prefix = Text("/usr/local");
  python.sys_path = std::vector<std::string>{"/usr/local/lib/python/site-packages"};
  return python;
}

// A wheel with code for `targets` in every container, as torch has them.
inline Torch torch(const std::string& version, const std::string& cuda, const std::string& tag,
                   std::vector<std::string> targets, const std::string& ptx_isa = "") {
  Torch torch;
  torch.sys_path_entry = "/usr/local/lib/python/site-packages";
  torch.path = torch.sys_path_entry + "/torch";
  torch.layout = Text("wheel");
  torch.version = version;
  torch.metadata_version = version;
  torch.cuda = cuda;
  torch.hip = Text::absent();
  torch.soabi = soabi(tag);
  torch.soabis = {soabi(tag)};
  torch.machine = Text("x86_64");
  torch.exports_init = true;
  torch.missing_python_symbols = std::vector<std::string>{};
  torch.wheel_tags = std::vector<std::string>{"cp" + tag + "-cp" + tag + "-manylinux_2_28_x86_64"};
  torch.missing_files = std::vector<std::string>{};
  torch.arch_list = targets;
  DeviceCode code;
  code.files = {torch.path + "/lib/libtorch_cuda.so"};
  FatbinGroup group;
  group.targets = std::move(targets);
  std::sort(group.targets.begin(), group.targets.end());
  group.ptx_isa = ptx_isa.empty() ? Text::absent() : Text(ptx_isa);
  group.containers = 341;
  code.groups = {group};
  torch.device_code = code;
  return torch;
}

inline Torch torch_251() {
  return torch("2.5.1+cu124", "12.4", "310",
               {"sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"});
}
inline Torch torch_280(const std::string& tag = "312") {
  Torch wheel = torch("2.8.0+cu128", "12.8", tag,
                      {"sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"});
  // What real wheels also have: a few kernels for one GPU alone.
  wheel.device_code->groups.push_back({{"sm_90a"}, Text::absent(), 2});
  return wheel;
}
inline Torch cpu_torch() {
  Torch wheel = torch_280();
  wheel.version = Text("2.8.0+cpu");
  wheel.cuda = Text::absent();
  wheel.arch_list = Fact<std::vector<std::string>>::absent();
  wheel.device_code = Fact<DeviceCode>::absent();
  return wheel;
}

inline Device device(const std::string& name, const std::string& capability) {
  Device device;
  device.name = name;
  device.uuid = Text("GPU-8f6d4b4f-0000-0000-0000-000000000000");
  device.compute_capability = capability;
  device.mig = false;
  device.compute_mode = Text("default");
  ContextTrial trial;
  trial.step = "cuMemcpyDtoH";
  trial.kernel_ran = true;
  trial.result_correct = true;
  device.context = trial;
  return device;
}
inline Device h100() { return device("NVIDIA H100 80GB HBM3", "9.0"); }

// A node whose driver answered everything.
inline NodeFacts node(const std::string& kernel, const std::string& cuda,
                      std::vector<Device> devices) {
  NodeFacts node;
  node.driver.kernel_version = kernel;
  node.driver.cuda_version = cuda;
  LibCuda library;
  library.path = "/usr/lib/x86_64-linux-gnu/libcuda.so.1";
  library.real_path = "/usr/lib/x86_64-linux-gnu/libcuda.so." + kernel;
  library.found_by = "ld.so.cache";
  library.kind = "driver";
  library.version = kernel;
  library.compat_note = Fact<CompatNote>::absent();
  node.driver.libcuda = library;
  std::vector<DeviceNode> nodes{{"/dev/nvidiactl", 0}, {"/dev/nvidia-uvm", 0}};
  for (std::size_t i = 0; i < devices.size(); ++i)
    nodes.push_back({"/dev/nvidia" + std::to_string(i), 0});
  node.device_nodes = nodes;
  std::vector<KernelGpu> kernel_gpus;
  for (std::size_t i = 0; i < devices.size(); ++i)
    kernel_gpus.push_back({"0000:0" + std::to_string(i) + ":00.0", devices[i].name,
                           Text("GPU-" + std::to_string(i) + "f6d4b4f-0000"), static_cast<int>(i)});
  node.kernel_gpus = kernel_gpus;
  node.devices = std::move(devices);
  node.machine = Text("x86_64");
  node.driver.libnvidia_ml = Text("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1");
  node.jit_cache = JitCache{"/root/.nv/ComputeCache", 0, std::uint64_t{100} << 30};
  node.shared_memory = SharedMemory{std::uint64_t{16} << 30, std::uint64_t{16} << 30};
  node.limits = {std::uint64_t{8} << 20, false};
  node.rdma_devices = std::vector<std::string>{};
  node.environment = std::map<std::string, std::string>{};
  ProbeRun run;
  run.outcome = ProbeRun::Outcome::kAnswered;
  run.last_step = "cuMemcpyDtoH 0";
  run.load_error = Text::absent();
  run.init_error = 0;
  node.probe = run;
  return node;
}

// What the interpreter of the story says of itself where it agrees with the files.
inline PythonAnswer agreeing(const Interpreter& python, const Torch& torch) {
  PythonAnswer answer;
  answer.run.outcome = ProbeRun::Outcome::kAnswered;
  answer.run.load_error = Text::absent();
  answer.run.init_error = Fact<int>::absent();
  answer.mode = "import";
  answer.way = "embedded";
  answer.version = python.version;
  answer.soabi = python.soabi;
  answer.executable = Text(python.path);
  answer.prefix = python.prefix;
  answer.base_prefix = python.base_prefix;
  answer.torch_origin = Text(torch.path + "/__init__.py");
  answer.torch = PythonTorch{torch.version,   answer.torch_origin, torch.cuda, torch.hip,
                             torch.arch_list, Text("91002"),       Text("")};
  answer.imports = {{"torch", "", "", "", torch.version, answer.torch_origin, 1200}};
  return answer;
}

inline Facts facts(Interpreter interpreter, Torch torch, NodeFacts node) {
  Facts facts;
  facts.image.root = "/";
  facts.image.command = {"python", "train.py"};
  facts.image.interpreter = std::move(interpreter);
  facts.image.torch = std::move(torch);
  facts.image.packages = std::vector<Package>{};
  facts.image.extensions = std::vector<Extension>{};
  LoaderFacts loader;
  loader.problems.undefined_symbols = std::vector<UndefinedSymbol>{};
  facts.image.loader = loader;
  facts.image.compat_libraries = std::vector<CompatLibrary>{};
  facts.node = std::move(node);
  return facts;
}

inline Facts healthy() {
  return facts(python("3.12.4", "312"), torch_280(), node("570.124.06", "12.8", {h100(), h100()}));
}

// Nothing is known of the node but what a person wrote down.
inline NodeFacts written_by_hand(const std::string& kernel, const std::string& cuda,
                                 const std::string& name, const std::string& capability) {
  NodeFacts node;
  node.driver.kernel_version = kernel;
  node.driver.cuda_version = cuda;
  Device device;
  device.name = name;
  device.compute_capability = capability;
  node.devices = std::vector<Device>{device};
  return node;
}

// The levels that hold without any policy file.
inline Policy usual() {
  Policy policy;
  for (const auto id : kChecksThatWarn) policy.checks[std::string(id)] = Level::kWarn;
  return policy;
}

// A machine without any NVIDIA part.
inline NodeFacts no_gpu_machine() {
  NodeFacts node;
  node.driver.kernel_version = Text::absent("no NVIDIA kernel module is loaded");
  node.driver.libcuda = Fact<LibCuda>::absent("the loader finds no libcuda.so.1");
  node.device_nodes = std::vector<DeviceNode>{};
  node.environment = std::map<std::string, std::string>{};
  ProbeRun run;
  run.outcome = ProbeRun::Outcome::kAnswered;
  run.last_step = "dlopen";
  run.load_error = Text("libcuda.so.1: cannot open shared object file: No such file or directory");
  run.init_error = Fact<int>::unknown("libcuda.so.1 was not loaded");
  node.probe = run;
  node.driver.cuda_version = Text::unknown("libcuda.so.1 was not loaded");
  node.devices = Fact<std::vector<Device>>::unknown("libcuda.so.1 was not loaded");
  return node;
}

inline std::vector<Finding> of(const std::vector<Finding>& findings, Severity severity) {
  std::vector<Finding> some;
  for (const auto& finding : findings)
    if (finding.severity == severity) some.push_back(finding);
  return some;
}

// "cuda.driver=66" for each failure, "~device.arch" for each warning, in order.
inline std::vector<std::string> verdicts(const Facts& facts, const Policy& policy = {}) {
  std::vector<std::string> words;
  for (const auto& finding : run_checks(facts, policy)) {
    if (finding.severity == Severity::kFail)
      words.push_back(finding.id + "=" + std::to_string(finding.exit_code));
    if (finding.severity == Severity::kWarn) words.push_back("~" + finding.id);
  }
  return words;
}

// The one finding of a check; a test fails if there is none or more than one.
inline Finding only(const Facts& facts, const std::string& id, const Policy& policy = {}) {
  std::vector<Finding> some;
  for (const auto& finding : run_checks(facts, policy))
    if (finding.id == id) some.push_back(finding);
  EXPECT_EQ(some.size(), 1U) << id;
  return some.empty() ? Finding{} : some.front();
}

inline bool says_nothing(const Facts& facts, const std::string& id, const Policy& policy = {}) {
  for (const auto& finding : run_checks(facts, policy))
    if (finding.id == id) return false;
  return true;
}

inline std::string evidence(const Finding& finding, const std::string& label) {
  for (const auto& [name, value] : finding.evidence)
    if (name == label) return value;
  return "";
}

}  // namespace gpuinit::checks
