#include "image/extensions/torch_imports.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpuinit::image {

namespace {

constexpr std::string_view kCore = "_multiarray_umath.";
constexpr std::uint64_t kMaxStorage = 256ULL * 1024;  // bytes of torch/storage.py; it has 50,000

// Whether torch goes down with a numpy that is there and cannot be imported.
bool needs_sound_numpy(const base::RootFs& fs, const Torch& torch) {
  const std::string text =
      fs.read_file(base::join(torch.path, "storage.py"), kMaxStorage).value_or("");
  const auto import = text.find("try:\n    import numpy as np\n");
  if (import == std::string::npos) return false;
  const auto except = text.find("\nexcept ", import);
  return except != std::string::npos &&
         text.compare(except, 28, "\nexcept ModuleNotFoundError:") == 0;
}

}  // namespace

void add_torch_imports(const base::RootFs& fs, const Interpreter& python, const Torch& torch,
                       FoundExtensions& found) {
  if (!python.soabi || !python.sys_path || !found.facts) return;
  for (const std::string& entry : *python.sys_path) {
    const std::string numpy = base::join(entry, "numpy");
    if (!fs.is_file(base::join(numpy, "__init__.py"))) continue;
    // Of NumPy 2 and 1.
    constexpr std::array<const char*, 2> kPlaces{"numpy/_core/", "numpy/core/"};
    for (const char* place : kPlaces)
      if (fs.is_file(
              base::join(entry, std::string(place).append(kCore).append(*python.soabi) + ".so")))
        return;
    std::vector<Extension> cores;
    for (const char* place : kPlaces)
      for (const std::string& name : fs.list(base::join(entry, place)).value_or({}))
        if (name.starts_with(kCore) && name.ends_with(".so"))
          cores.push_back(
              unread_extension({entry, place + name, ""}, "only its name was looked at"));
    if (cores.empty() || !needs_sound_numpy(fs, torch)) return;
    for (Extension& core : cores) {
      found.facts->push_back(std::move(core));
      found.needed.emplace_back();
    }
    return;
  }
}

}  // namespace gpuinit::image
