// What keeps an extension from being imported, and which extensions are alternatives of
// each other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checks/context.h"
#include "gpuinit/tristate.h"

namespace gpuinit::checks {

// In the order of causes: the first that holds is the one to name.
enum class ExtensionFault {
  kMachine,   // for another processor
  kSoabi,     // for another Python, by its file name
  kPython2,   // for Python 2, by its init function
  kNumber,    // opened by a name with torch's version or CUDA in it, and none has that name
  kLibrary,   // a library that it needs is not there
  kVersion,   // a library is too old
  kCxxAbi,    // C++ ABI of std::string other than torch's
  kTorch,     // asks torch for functions that it does not have
  kPython,    // the same of Python
  kCuda,      // the same of CUDA libraries
  kOptional,  // a library outside torch and CUDA is not there: packages do without it (FFmpeg)
};

struct ExtensionProblem {
  const Extension* extension;
  ExtensionFault fault;
  std::string detail;  // "libcudart.so.12", "_ZN3c10…", "cpython-310-x86_64-linux-gnu"
};

// nullopt if nothing is known to be wrong with it.
std::optional<ExtensionProblem> problem_of(const Extension& extension, const ImageFacts& image);

// Where code opens one of `group`, alternatives, by the version of torch or of its CUDA, the name
// that it looks for and that none of them has: "libgraphbolt_pytorch_2.8.0.so". Empty: there is
// one, or it is not opened so. Sources: DGL, graphbolt/__init__.py; bitsandbytes, cextension.py.
std::string missing_by_name(const std::vector<const Extension*>& group, const ImageFacts& image);

// "torchvision/_C.so"
std::string_view relative_path(const Extension& extension);

// What the command runs imports it, by its name.
bool is_imported(const std::string& package, const ImageFacts& image);

// The command names its package as what it imports (`vllm serve`, `python -m
// sglang.launch_server`), or the policy names it (extensions.include): a fault of it is a failure.
// Empty: neither does.
std::string asked_for_by(const Extension& extension, const ImageFacts& image);

// extensions.include has its very name, not a pattern for it: it alone is needed.
bool is_named(const Extension& extension, const Policy& policy);

// Whether the number in its name is that of torch's release ("…_torch28-cuda.so") or of its
// CUDA ("…_cu12", "…_cuda128"). kUnknown where it has no such number.
Tristate is_for_torch(const Extension& extension, const ImageFacts& image);
Tristate is_for_cuda(const Extension& extension, const ImageFacts& image);

// Extensions of one package whose paths differ in numbers, in the backend at the end of the name
// or in the tag of the Python alone: one of them is chosen at run time (libtorchcodec_core4.so
// to 8, one for each FFmpeg; libbitsandbytes_cuda118.so to 130 and …_cpu.so; sm90/ and sm100/
// of sgl_kernel). In the order of the list.
std::vector<std::vector<const Extension*>> alternatives(const std::vector<Extension>& extensions);

}  // namespace gpuinit::checks
