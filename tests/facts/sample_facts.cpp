#include "facts/sample_facts.h"

#include "facts/fact_fields.h"
#include "support/healthy.h"

namespace gpuinit::test {

// The healthy facts, with every field that health leaves empty or absent filled, and with
// values that JSON might lose: quotes, line ends, the largest numbers.
Facts full_facts() {
  Facts facts = healthy_facts();
  Interpreter& python = facts.image.interpreter.value();
  python.environment = std::string("venv");
  python.sys_path = std::vector<std::string>{"/a", "/b with \"quotes\" and \n"};
  python.sys_path_notes = {"x.pth: import y"};
  facts.image.root = "/mnt/image";
  facts.image.unread = {{"/l/libx.so", "Input/output error"}, {"/s", "too many", true}};
  facts.image.refused = {"/root"};
  facts.image.command = {"python", "-c", ""};
  facts.image.start = {{"tini", "", ""}, {"bash", "`bash` run by tini", "/entry.sh:12"}};
  facts.image.program = Program{"/usr/bin/python3", "-m vllm.serve", {"vllm"}, "a reason", {"os"}};

  facts.image.uid = 18446744073709551615U;
  facts.image.user_name = Fact<std::string>::absent("no line");
  facts.image.variables = std::map<std::string, std::string>{{"HOME", "/"}, {"USER", ""}};
  facts.image.compiler = std::string("/usr/bin/gcc");
  facts.image.python_header = Fact<std::string>::absent("none");
  facts.image.ldconfig = Fact<std::string>::unknown("not readable");
  facts.image.glibc = std::string("2.36");
  facts.image.cpu_level = std::string("x86-64-v2");
  facts.image.cpu_level_of = "/usr/lib64/libc.so.6";

  Torch& torch = facts.image.torch.value();
  torch.shadowed = {"/u", "/v"};
  torch.hip = std::string("6.2");
  torch.exports_init = false;
  torch.missing_python_symbols = std::vector<std::string>{"PyDict_GetItemRef"};
  torch.device_code->entries = {{"sm_90", 341}, {"compute_90", 18446744073709551615U}};
  torch.device_code->groups = {{{"sm_90", "sm_90a"}, std::string("8.4"), 2},
                               {{"sm_80"}, Fact<std::string>::absent(), 339},
                               {{}, Fact<std::string>::unknown("truncated"), 1}};
  facts.image.compat_libraries = std::vector<CompatLibrary>{
      {"/usr/local/cuda/compat", "/usr/local/cuda-12.9/compat/libcuda.so.575.57.08",
       std::string("575.57.08"), CompatNote{"12.9", {535}}}};

  LoaderFacts& loader = facts.image.loader.value();
  loader.libraries = {
      {"libc.so.6", "/l/libc.so.6", "/t/a.so", "ld.so.cache", {"/m/libc.so.6"}, "6"}};
  loader.missing_later = {{"libcudnn_ops.so.9", "/l/libcudnn.so.9", "not found", {}}};
  loader.problems.missing = {{"libcudnn.so.9", "/t/a.so", "not found", {"/e/libcudnn.so.9"}}};
  loader.problems.missing_versions = {
      {"GLIBC_2.38", "libc.so.6", "/l/libc.so.6", "ld.so.cache", "/t/a.so", "GLIBC_2.36"}};
  loader.problems.undefined_symbols =
      std::vector<UndefinedSymbol>{{"_ZN3c105ErrorC1Ev", "libc10.so", "/t/a.so"}};
  loader.problems.driver_functions = {{"cuInit", "libcuda.so.1", "/t/a.so"}};
  loader.notes = {"LD_PRELOAD: /x.so is not there"};
  Extension extension;
  extension.path = "/s/torchvision/_C.so";
  extension.package = "torchvision";
  extension.distribution = "flash-attn";
  extension.asked_for = true;
  extension.soabi = Fact<std::string>::absent("no tag");
  extension.machine = std::string("x86_64");
  extension.init_function = std::string("PyInit__C");
  extension.needs = {"libtorch.so"};
  extension.cxx11_abi = false;
  extension.numpy_abi = std::string("2");
  extension.problems = loader.problems;
  extension.device_code = torch.device_code;
  extension.beside_independent = true;
  facts.image.extensions = std::vector<Extension>{extension};
  facts.image.frameworks = std::vector<Framework>{
      {"jax", "/s/xla_cuda_plugin.so", std::string("0.12.0"), std::string("12"), torch.device_code,
       loader.problems, loader.libraries, true, true, true}};
  facts.image.packages = std::vector<Package>{{"torchvision",
                                               "0.23.0",
                                               "/s/torchvision-0.23.0.dist-info",
                                               {"torch==2.8.0"},
                                               {"/s/torchvision/_C.so"},
                                               {"/s/torchvision/_C.so"}}};

  PythonAnswer answer;
  answer.run.outcome = ProbeRun::Outcome::kTimedOut;
  answer.run.detail = "no whole answer within 60 s; it was in import flash_attn";
  answer.run.last_step = "import flash_attn";
  answer.run.load_error = std::string("none");
  answer.run.init_error = 0;
  answer.run.milliseconds = 60'000.5;
  answer.mode = "import";
  answer.way = "interpreter";
  answer.because = "there is no libpython3.12.so.1.0 below /usr";
  answer.version = python.version;
  answer.soabi = python.soabi;
  answer.executable = std::string("/opt/venv/bin/python");
  answer.prefix = std::string("/opt/venv");
  answer.base_prefix = std::string("/usr");
  answer.exec_prefix = std::string("/opt/venv");
  answer.sys_path = std::vector<std::string>{"", "/a"};
  answer.flags = std::vector<std::string>{"no_user_site"};
  answer.torch_origin = std::string("/t/__init__.py");
  answer.torch = PythonTorch{torch.version,
                             answer.torch_origin,
                             torch.cuda,
                             torch.hip,
                             torch.arch_list,
                             std::string("91002"),
                             std::string("PyTorch built with:\n  - GCC 13.3")};
  answer.imports = {
      {"torch", "", "", "", torch.version, answer.torch_origin, 812.5},
      {"flash_attn", "ImportError", "libcudart.so.11.0: cannot open",
       "Traceback (most recent call last):\n  …", Fact<std::string>::absent("not imported"),
       Fact<std::string>::absent("not imported"), 0.25}};
  facts.image.python_probe = answer;
  facts.image.seal = SealState{"/etc/gpuinit/seal", {"/a is gone"}, "another start"};

  NodeFacts& node = facts.node;
  LibCuda& libcuda = node.driver.libcuda.value();
  libcuda.kind = "forward-compat";
  libcuda.compat_note = CompatNote{"12.9", {535, 550}};
  libcuda.hides = {"/usr/lib/libcuda.so.535.104.05"};
  node.driver.libcuda_elsewhere = std::string("/usr/lib/wsl/lib/libcuda.so.1");
  node.jit_cache->write_errno = 30;
  node.limits = {8388608U, true, 1, 4096U, 64U};
  node.places =
      std::vector<WritablePlace>{{"TMPDIR", "/tmp", 30, 0U, true, false},
                                 {"TRITON_CACHE_DIR", "/.triton/cache", 0, {}, false, true}};
  node.rdma_devices = std::vector<std::string>{"/dev/infiniband/uverbs0"};
  node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidia0", 0}, {"/dev/nvidiactl", 13}};
  Device& device = node.devices->front();
  device.memory_free_bytes = 18446744073709551615U;
  device.mig = true;
  device.compute_mode = std::string("exclusive-process");
  device.context = ContextTrial{"cuLaunchKernel", 222, true, true, "a note", 12.625};
  node.devices->back() = Device{};
  node.environment = std::map<std::string, std::string>{{"CUDA_VISIBLE_DEVICES", ""},
                                                        {"LD_LIBRARY_PATH", "/a:/b"}};
  node.probe = ProbeRun{ProbeRun::Outcome::kCrashed,
                        "signal 11",
                        "cuInit",
                        std::string("no such file"),
                        999,
                        0.25,
                        true,
                        "seccomp",
                        {"mount (2 times)"},
                        {"kcmp"}};
  return facts;
}

namespace {

// The archive of facts/fact_fields.h that makes every outermost fact absent.
class MakeAbsent {
 public:
  template <class T>
  void field(const char*, T&, const facts::Form& = {}) {}
  template <class T>
  void field(const char* name, Fact<T>& fact, const facts::Form& = {}) {
    // With a reason and without one.
    fact = name[0] < 'm' ? Fact<T>::absent(std::string("no ") + name) : Fact<T>::absent();
  }
  void field(const char*, Driver& driver, const facts::Form& = {}) {
    facts::describe(*this, driver);
  }
  void field(const char*, Limits& limits, const facts::Form& = {}) {
    facts::describe(*this, limits);
  }
  template <class T>
  void required(const char* name, T& member, const facts::Form& form = {}) {
    field(name, member, form);
  }
};

}  // namespace

Facts absent_facts() {
  Facts facts;
  MakeAbsent archive;
  facts::describe(archive, facts.image);
  facts::describe(archive, facts.node);
  return facts;
}

}  // namespace gpuinit::test
