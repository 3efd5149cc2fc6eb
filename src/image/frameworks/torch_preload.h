// What torch/__init__.py preloads from sys.path before it imports `_C`, read from its text:
// every release has another list.
//
// Source: PyTorch, torch/__init__.py _load_global_deps(), _preload_cuda_deps().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::image {

struct PreloadItem {
  std::string folder;    // "cuda_nvrtc", below nvidia/
  std::string stem;      // "libnvrtc": the file is libnvrtc.so.*[0-9]
  bool required = true;  // torch gives up at the first of these that is missing
  bool operator==(const PreloadItem&) const = default;
};

struct TorchPreload {
  // When libtorch_global_deps.so could not be loaded and the error names one of these.
  std::vector<PreloadItem> after_failure;
  // When it could (2.7 and later), beside a libcudart whose path holds `beside`.
  std::vector<PreloadItem> after_success;
  std::string beside;
  bool operator==(const TorchPreload&) const = default;
};

// Empty lists if the text is not torch's.
TorchPreload parse_torch_preload(std::string_view init_py);

// The file that torch takes for `item`: on the first entry of sys.path that has one. Empty if
// no entry has one. `cuda`: torch's CUDA version, "13.0".
std::string find_preload(const base::RootFs& fs, const std::vector<std::string>& sys_path,
                         const PreloadItem& item, std::string_view cuda);

}  // namespace gpuinit::image
