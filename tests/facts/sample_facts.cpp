#include "facts/sample_facts.h"

namespace gpuinit::test {

Facts full_facts() {
  Facts facts;
  Interpreter python;
  python.path = "/opt/venv/bin/python";
  python.real_path = "/usr/bin/python3.12";
  python.chosen_because = "`python` found on PATH";
  python.from_command = true;
  python.version = std::string("3.12.4");
  python.soabi = std::string("cpython-312-x86_64-linux-gnu");
  python.soabi_source = std::string("/usr/lib/python3.12/_sysconfigdata.py");
  python.machine = std::string("x86_64");
  python.libc = std::string("glibc");
  python.libpython = std::string("libpython3.12.so.1.0");
  python.environment = std::string("venv");
  python.prefix = std::string("/opt/venv");
  python.base_prefix = std::string("/usr");
  python.sys_path = std::vector<std::string>{"/a", "/b with \"quotes\" and \n"};
  python.sys_path_notes = {"x.pth: import y"};
  facts.image.root = "/mnt/image";
  facts.image.command = {"python", "-c", ""};
  facts.image.interpreter = python;

  DeviceCode code;
  code.files = {"/t/libtorch_cuda.so"};
  code.entries = {{"sm_90", 341}, {"compute_90", 18446744073709551615U}};
  code.groups = {{{"sm_90", "sm_90a"}, std::string("8.4"), 2},
                 {{"sm_80"}, Fact<std::string>::absent(), 339},
                 {{}, Fact<std::string>::unknown("truncated"), 1}};
  Torch torch;
  torch.path = "/t";
  torch.sys_path_entry = "/";
  torch.shadowed = {"/u", "/v"};
  torch.layout = std::string("wheel");
  torch.version = std::string("2.8.0+cu128");
  torch.metadata_version = std::string("2.8.0");
  torch.cuda = std::string("12.8");
  torch.hip = std::string("6.2");
  torch.soabi = std::string("cpython-310-x86_64-linux-gnu");
  torch.soabis = {"cpython-310-x86_64-linux-gnu"};
  torch.machine = std::string("aarch64");
  torch.exports_init = false;
  torch.missing_python_symbols = std::vector<std::string>{"PyDict_GetItemRef"};
  torch.wheel_tags = std::vector<std::string>{"cp310-cp310-manylinux_2_28_x86_64"};
  torch.cxx11_abi = true;
  torch.numpy_abi = std::string("1");
  torch.missing_files = std::vector<std::string>{};
  torch.arch_list = std::vector<std::string>{"sm_90"};
  torch.device_code = code;
  facts.image.torch = torch;

  CudaRuntime runtime{"libcudart.so.12", "/c/libcudart.so.12", "RPATH of /t/a.so",
                      std::string("12.8.90"), std::string("/c/version.json")};
  facts.image.cuda_runtime = runtime;
  facts.image.compat_libraries = std::vector<CompatLibrary>{
      {"/usr/local/cuda/compat", "/usr/local/cuda-12.9/compat/libcuda.so.575.57.08",
       std::string("575.57.08"), CompatNote{"12.9", {535}}}};

  LoaderFacts loader;
  loader.libraries = {{"libc.so.6", "/l/libc.so.6", "/t/a.so", "ld.so.cache", {"/m/libc.so.6"}}};
  loader.problems.missing = {{"libcudnn.so.9", "/t/a.so", "not found", {"/e/libcudnn.so.9"}, true}};
  loader.problems.missing_versions = {
      {"GLIBC_2.38", "libc.so.6", "/l/libc.so.6", "ld.so.cache", "/t/a.so", "GLIBC_2.36"}};
  loader.problems.undefined_symbols =
      std::vector<UndefinedSymbol>{{"_ZN3c105ErrorC1Ev", "libc10.so", "/t/a.so"}};
  loader.notes = {"LD_PRELOAD: /x.so is not there"};
  facts.image.loader = loader;
  Extension extension;
  extension.path = "/s/torchvision/_C.so";
  extension.package = "torchvision";
  extension.asked_for = true;
  extension.soabi = Fact<std::string>::absent("no tag");
  extension.machine = std::string("x86_64");
  extension.init_function = std::string("PyInit__C");
  extension.needs = {"libtorch.so"};
  extension.cxx11_abi = false;
  extension.numpy_abi = std::string("2");
  extension.problems = loader.problems;
  extension.device_code = code;
  facts.image.extensions = std::vector<Extension>{extension};
  facts.image.packages = std::vector<Package>{
      {"torchvision", "0.23.0", "/s/torchvision-0.23.0.dist-info", {"torch==2.8.0"}}};
  PythonAnswer answer;
  answer.run = ProbeRun{ProbeRun::Outcome::kTimedOut,
                        "no whole answer within 60 s; it was in import flash_attn",
                        "import flash_attn",
                        std::string("none"),
                        0,
                        60'000.5};
  answer.mode = "import";
  answer.way = "interpreter";
  answer.because = "there is no libpython3.12.so.1.0 below /usr";
  answer.version = std::string("3.12.4");
  answer.soabi = std::string("cpython-312-x86_64-linux-gnu");
  answer.executable = std::string("/opt/venv/bin/python");
  answer.prefix = std::string("/opt/venv");
  answer.base_prefix = std::string("/usr");
  answer.exec_prefix = std::string("/opt/venv");
  answer.sys_path = std::vector<std::string>{"", "/a"};
  answer.flags = std::vector<std::string>{"no_user_site"};
  answer.torch_origin = std::string("/t/__init__.py");
  answer.torch = PythonTorch{std::string("2.8.0+cu128"),
                             std::string("/t/__init__.py"),
                             std::string("12.8"),
                             std::string("6.2"),
                             std::vector<std::string>{"sm_90"},
                             std::string("91002"),
                             std::string("PyTorch built with:\n  - GCC 13.3")};
  answer.imports = {
      {"torch", "", "", "", std::string("2.8.0+cu128"), std::string("/t/__init__.py"), 812.5},
      {"flash_attn", "ImportError", "libcudart.so.11.0: cannot open",
       "Traceback (most recent call last):\n  …", Fact<std::string>::absent("not imported"),
       Fact<std::string>::absent("not imported"), 0.25}};
  facts.image.python_probe = answer;

  auto& node = facts.node;
  node.driver.kernel_version = std::string("535.104.05");
  node.driver.cuda_version = std::string("12.2");
  node.driver.libcuda = LibCuda{"/usr/lib/libcuda.so.1",
                                "/usr/lib/libcuda.so.575.57.08",
                                "ld.so.cache",
                                "forward-compat",
                                std::string("575.57.08"),
                                CompatNote{"12.9", {535, 550}},
                                {"/usr/lib/libcuda.so.535.104.05"}};
  node.driver.libnvidia_ml = std::string("/usr/lib/libnvidia-ml.so.1");
  node.machine = std::string("x86_64");
  node.kernel_gpus = std::vector<KernelGpu>{
      {"0000:01:00.0", std::string("NVIDIA H100 80GB HBM3"), std::string("GPU-1"), 3}};
  node.jit_cache = JitCache{"/root/.nv/ComputeCache", 30, 4096U};
  node.shared_memory = SharedMemory{67108864, 1};
  node.limits = {8388608U, true};
  node.rdma_devices = std::vector<std::string>{"/dev/infiniband/uverbs0"};
  node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidia0", 0}, {"/dev/nvidiactl", 13}};
  ContextTrial trial{"cuLaunchKernel", 222, true, true, "a note", 12.625};
  Device device;
  device.name = std::string("NVIDIA H100 80GB HBM3");
  device.uuid = std::string("GPU-1");
  device.compute_capability = std::string("9.0");
  device.memory_bytes = 85899345920U;
  device.memory_free_bytes = 18446744073709551615U;
  device.mig = true;
  device.compute_mode = std::string("exclusive-process");
  device.context = trial;
  node.devices = std::vector<Device>{device, Device{}};
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

Facts absent_facts() {
  Facts facts;
  facts.image.interpreter = Fact<Interpreter>::absent("no python anywhere");
  facts.image.torch = Fact<Torch>::absent();
  facts.image.cuda_runtime = Fact<CudaRuntime>::absent("torch needs none");
  facts.image.compat_libraries = Fact<std::vector<CompatLibrary>>::absent();
  facts.image.loader = Fact<LoaderFacts>::absent();
  facts.image.extensions = Fact<std::vector<Extension>>::absent();
  facts.image.packages = Fact<std::vector<Package>>::absent("no site-packages");
  facts.image.python_probe = Fact<PythonAnswer>::absent("no Python to ask");
  facts.node.driver.kernel_version = Fact<std::string>::absent("no nvidia module");
  facts.node.driver.cuda_version = Fact<std::string>::absent();
  facts.node.driver.libcuda = Fact<LibCuda>::absent("not in the search path");
  facts.node.device_nodes = Fact<std::vector<DeviceNode>>::absent();
  facts.node.devices = Fact<std::vector<Device>>::absent("no driver");
  facts.node.environment = Fact<std::map<std::string, std::string>>::absent();
  facts.node.probe = Fact<ProbeRun>::absent("switched off");
  facts.node.machine = Fact<std::string>::absent();
  facts.node.driver.libnvidia_ml = Fact<std::string>::absent("not in the search path");
  facts.node.kernel_gpus = Fact<std::vector<KernelGpu>>::absent();
  facts.node.jit_cache = Fact<JitCache>::absent("no cache");
  facts.node.shared_memory = Fact<SharedMemory>::absent("there is no /dev/shm");
  facts.node.limits.memlock_bytes = Fact<std::uint64_t>::absent("unlimited");
  facts.node.limits.ipc_lock = Fact<bool>::absent();
  facts.node.rdma_devices = Fact<std::vector<std::string>>::absent();
  return facts;
}

}  // namespace gpuinit::test
