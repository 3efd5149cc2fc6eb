// torch/version.py, which torch's own build generates: what was built, for what.
// Source: PyTorch, tools/generate_torch_version.py.
#pragma once

#include <string>
#include <string_view>

#include "gpuinit/fact.h"

namespace gpuinit::image {

struct TorchVersion {
  Fact<std::string> version;  // __version__
  Fact<std::string> cuda;     // absent: None, not a CUDA build
  Fact<std::string> hip;      // absent: None or not mentioned, not a ROCm build
};

// Knows `cuda = '12.4'` and `cuda: Optional[str] = '12.4'`; of two assignments the
// later one counts. A value that is no literal is unknown.
TorchVersion parse_torch_version(std::string_view text);

}  // namespace gpuinit::image
