// Images and nodes as the readers would describe them, to be changed one fact at a time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "checks/run_checks.h"
#include "support/healthy.h"

namespace gpuinit::checks {

using Text = Fact<std::string>;
using test::healthy_facts;

// Python is not asked, as without a policy that wants it.
inline Facts healthy() { return healthy_facts(); }

inline std::string soabi(const std::string& tag) { return "cpython-" + tag + "-x86_64-linux-gnu"; }

// The healthy image's interpreter in another version.
inline Interpreter python(const std::string& version, const std::string& tag) {
  Interpreter python = *healthy_facts().image.interpreter;
  python.path = "/usr/local/bin/python" + version.substr(0, version.rfind('.'));
  python.real_path = python.path;
  python.version = version;
  python.soabi = soabi(tag);
  return python;
}

// The healthy image's wheel in another version, with code for `targets` in every container.
inline Torch torch(const std::string& version, const std::string& cuda, const std::string& tag,
                   std::vector<std::string> targets, const std::string& ptx_isa = "") {
  Torch torch = *healthy_facts().image.torch;
  torch.version = version;
  torch.metadata_version = version;
  torch.cuda = cuda;
  torch.soabi = soabi(tag);
  torch.soabis = {soabi(tag)};
  torch.wheel_tags = std::vector<std::string>{"cp" + tag + "-cp" + tag + "-manylinux_2_28_x86_64"};
  torch.arch_list = targets;
  torch.device_code->entries.clear();
  torch.device_code->groups.resize(1);
  FatbinGroup& group = torch.device_code->groups.front();
  group.targets = std::move(targets);
  std::sort(group.targets.begin(), group.targets.end());
  group.ptx_isa = ptx_isa.empty() ? Text::absent() : Text(ptx_isa);
  return torch;
}

inline Torch torch_251() {
  return torch("2.5.1+cu124", "12.4", "310",
               {"sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"});
}
inline Torch torch_280(const std::string& tag = "312") {
  Torch wheel = *healthy_facts().image.torch;
  wheel.soabi = soabi(tag);
  wheel.soabis = {soabi(tag)};
  wheel.wheel_tags = std::vector<std::string>{"cp" + tag + "-cp" + tag + "-manylinux_2_28_x86_64"};
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
  Device device = healthy_facts().node.devices->front();
  device.name = name;
  device.compute_capability = capability;
  return device;
}
inline Device h100() { return healthy_facts().node.devices->front(); }

// The healthy node with another driver, which answered everything, and other devices.
inline NodeFacts node(const std::string& kernel, const std::string& cuda,
                      std::vector<Device> devices) {
  NodeFacts node = healthy_facts().node;
  node.driver.kernel_version = kernel;
  node.driver.cuda_version = cuda;
  node.driver.libcuda->real_path = "/usr/lib/x86_64-linux-gnu/libcuda.so." + kernel;
  node.driver.libcuda->version = kernel;
  std::erase_if(node.device_nodes.value(), [](const DeviceNode& file) {
    return file.path == "/dev/nvidia0" || file.path == "/dev/nvidia1";
  });
  node.kernel_gpus->clear();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    node.device_nodes->push_back({"/dev/nvidia" + std::to_string(i), 0});
    node.kernel_gpus->push_back({"0000:0" + std::to_string(i) + ":00.0", devices[i].name,
                                 Text("GPU-" + std::to_string(i) + "f6d4b4f-0000"),
                                 static_cast<int>(i)});
  }
  node.devices = std::move(devices);
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
  Facts facts = healthy();
  facts.image.interpreter = std::move(interpreter);
  facts.image.cuda_runtime->version = torch.cuda;
  facts.image.torch = std::move(torch);
  facts.node = std::move(node);
  return facts;
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

// The levels that hold without a policy file.
inline Policy usual() {
  Policy policy;
  for (const CheckInfo& check : catalogue()) policy.checks[std::string(check.id)] = check.level;
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

// One line of evidence.
template <typename Label, typename Value>
auto seen(const Label& label, const Value& value) {
  return testing::AllOf(testing::Field(&Evidence::label, label),
                        testing::Field(&Evidence::value, value));
}

inline std::string evidence(const Finding& finding, const std::string& label) {
  for (const auto& [key, name, value] : finding.evidence)
    if (name == label) return value;
  return "";
}

}  // namespace gpuinit::checks
