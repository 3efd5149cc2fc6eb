// A false alarm is the worst bug: whatever is not known of a healthy image on a
// healthy node, alone or together with anything else, fails nothing and warns of nothing.
#include <functional>

#include "story.h"

namespace gpuinit::checks {
namespace {

using Forget = std::function<void(Facts&)>;

struct Blank {
  const char* name;
  Forget forget;
};

template <class T>
void blank(Fact<T>& fact) {
  fact = Fact<T>::unknown("forgotten");
}

// Facts inside other facts are forgotten only where those are still known.
#define INTERPRETER(field)                                        \
  {                                                               \
    "interpreter." #field, [](Facts& f) {                         \
      if (f.image.interpreter) blank(f.image.interpreter->field); \
    }                                                             \
  }
#define TORCH(field)                                  \
  {                                                   \
    "torch." #field, [](Facts& f) {                   \
      if (f.image.torch) blank(f.image.torch->field); \
    }                                                 \
  }
#define LIBCUDA(field)                                                \
  {                                                                   \
    "libcuda." #field, [](Facts& f) {                                 \
      if (f.node.driver.libcuda) blank(f.node.driver.libcuda->field); \
    }                                                                 \
  }
#define PROBE(field)                                \
  {                                                 \
    "probe." #field, [](Facts& f) {                 \
      if (f.node.probe) blank(f.node.probe->field); \
    }                                               \
  }
#define PYTHON_PROBE(field)                                         \
  {                                                                 \
    "python_probe." #field, [](Facts& f) {                          \
      if (f.image.python_probe) blank(f.image.python_probe->field); \
    }                                                               \
  }
#define DEVICE(field)                                                                         \
  {                                                                                           \
    "device." #field, [](Facts& f) {                                                          \
      if (f.node.devices && !f.node.devices->empty()) blank(f.node.devices.value()[0].field); \
    }                                                                                         \
  }

const std::vector<Blank>& blanks() {
  static const std::vector<Blank> all{
      {"interpreter", [](Facts& f) { blank(f.image.interpreter); }},
      INTERPRETER(version),
      INTERPRETER(soabi),
      INTERPRETER(soabi_source),
      INTERPRETER(machine),
      INTERPRETER(libc),
      INTERPRETER(libpython),
      INTERPRETER(sys_path),
      {"the command was not followed",
       [](Facts& f) {
         if (f.image.interpreter) f.image.interpreter->from_command = false;
       }},
      {"torch", [](Facts& f) { blank(f.image.torch); }},
      TORCH(layout),
      TORCH(version),
      TORCH(metadata_version),
      TORCH(cuda),
      TORCH(hip),
      TORCH(soabi),
      {"torch.soabis",
       [](Facts& f) {
         if (f.image.torch) f.image.torch->soabis.clear();
       }},
      TORCH(machine),
      TORCH(exports_init),
      TORCH(missing_python_symbols),
      TORCH(wheel_tags),
      TORCH(cxx11_abi),
      TORCH(missing_files),
      TORCH(arch_list),
      TORCH(device_code),
      {"torch.device_code is empty",
       [](Facts& f) {
         if (f.image.torch) f.image.torch->device_code = DeviceCode{};
       }},
      {"ptx_isa",
       [](Facts& f) {
         if (f.image.torch && f.image.torch->device_code)
           for (auto& group : f.image.torch->device_code->groups) blank(group.ptx_isa);
       }},
      {"python_probe", [](Facts& f) { blank(f.image.python_probe); }},
      PYTHON_PROBE(version),
      PYTHON_PROBE(soabi),
      PYTHON_PROBE(prefix),
      PYTHON_PROBE(torch_origin),
      PYTHON_PROBE(torch),
      {"cuda_runtime", [](Facts& f) { blank(f.image.cuda_runtime); }},
      {"kernel_version", [](Facts& f) { blank(f.node.driver.kernel_version); }},
      {"cuda_version", [](Facts& f) { blank(f.node.driver.cuda_version); }},
      {"libcuda", [](Facts& f) { blank(f.node.driver.libcuda); }},
      LIBCUDA(version),
      LIBCUDA(compat_note),
      {"device_nodes", [](Facts& f) { blank(f.node.device_nodes); }},
      {"devices", [](Facts& f) { blank(f.node.devices); }},
      DEVICE(name),
      DEVICE(uuid),
      DEVICE(compute_capability),
      DEVICE(memory_bytes),
      DEVICE(mig),
      DEVICE(compute_mode),
      DEVICE(context),
      {"environment", [](Facts& f) { blank(f.node.environment); }},
      {"probe", [](Facts& f) { blank(f.node.probe); }},
      PROBE(load_error),
      PROBE(init_error),
      {"compat_libraries", [](Facts& f) { blank(f.image.compat_libraries); }},
      {"machine", [](Facts& f) { blank(f.node.machine); }},
      {"libnvidia_ml", [](Facts& f) { blank(f.node.driver.libnvidia_ml); }},
      {"kernel_gpus", [](Facts& f) { blank(f.node.kernel_gpus); }},
      {"kernel_gpus.uuid",
       [](Facts& f) {
         if (f.node.kernel_gpus)
           for (auto& gpu : f.node.kernel_gpus.value()) blank(gpu.uuid);
       }},
      {"kernel_gpus.minor",
       [](Facts& f) {
         if (f.node.kernel_gpus) blank(f.node.kernel_gpus.value()[0].minor);
       }},
      {"jit_cache", [](Facts& f) { blank(f.node.jit_cache); }},
      {"shared_memory", [](Facts& f) { blank(f.node.shared_memory); }},
      {"memlock_bytes", [](Facts& f) { blank(f.node.limits.memlock_bytes); }},
      {"ipc_lock", [](Facts& f) { blank(f.node.limits.ipc_lock); }},
      {"rdma_devices", [](Facts& f) { blank(f.node.rdma_devices); }},
  };
  return all;
}

void expect_silence(const Facts& story, const std::string& forgotten) {
  Policy demanding;
  demanding.python.probe = PythonProbe::kImport;
  demanding.torch.required = true;
  demanding.gpu.required = GpuRequired::kYes;
  demanding.gpu.count = "2";
  demanding.expect.python = "3.12";
  demanding.expect.torch = "2.8.*";
  demanding.expect.cuda = "12.8";
  demanding.expect.driver = ">=535.104.05";
  EXPECT_THAT(verdicts(story), testing::IsEmpty()) << forgotten;
  EXPECT_THAT(verdicts(story, demanding), testing::IsEmpty()) << forgotten;
}

void forget_pairs(const Facts& story) {
  for (const auto& first : blanks()) {
    Facts once = story;
    first.forget(once);
    expect_silence(once, first.name);
    for (const auto& second : blanks()) {
      Facts twice = once;
      second.forget(twice);
      expect_silence(twice, std::string(first.name) + ", " + second.name);
    }
  }
}

TEST(UnknownFacts, FailNothingOnAHealthyNode) { forget_pairs(healthy()); }

// Variables as CUDA images and schedulers set them.
TEST(UnknownFacts, FailNothingUnderTheUsualVariables) {
  auto story = healthy();
  story.node.environment = std::map<std::string, std::string>{
      {"NVIDIA_VISIBLE_DEVICES", "all"},
      {"NVIDIA_DRIVER_CAPABILITIES", "compute,utility"},
      {"CUDA_VISIBLE_DEVICES", "1,0"},
      {"NVIDIA_REQUIRE_CUDA",
       "cuda>=12.8 brand=tesla,driver>=535,driver<536 brand=nvidia,driver>=535,driver<536"},
  };
  story.node.rdma_devices = std::vector<std::string>{"/dev/infiniband/uverbs0"};
  story.node.limits = {Fact<std::uint64_t>::absent("unlimited"), true};
  forget_pairs(story);
}

TEST(UnknownFacts, FailNothingWhereTheInterpreterWasAsked) {
  auto story = healthy();
  story.image.python_probe = agreeing(*story.image.interpreter, *story.image.torch);
  forget_pairs(story);
}

TEST(UnknownFacts, FailNothingUnderMinorVersionCompatibility) {
  auto story = healthy();
  story.node = node("535.104.05", "12.2", {h100(), h100()});
  forget_pairs(story);
}

TEST(UnknownFacts, FailNothingUnderForwardCompatibility) {
  auto story = healthy();
  story.node = node("535.104.05", "12.8", {h100(), h100()});
  story.node.driver.libcuda->kind = "forward-compat";
  story.node.driver.libcuda->version = Text("570.86.10");
  story.node.driver.libcuda->compat_note = CompatNote{"12.8", {535, 550, 570}};
  forget_pairs(story);
}

}  // namespace
}  // namespace gpuinit::checks
