#include "image/start/exec.h"

namespace gpuinit::image {

bool steers_a_start(std::string_view name) {
  static constexpr std::string_view kNames[] = {"PATH",
                                                "HOME",
                                                "IFS",
                                                "ENV",
                                                "BASH_ENV",
                                                "VIRTUAL_ENV",
                                                "CONDA_PREFIX",
                                                "CONDA_DEFAULT_ENV",
                                                "CONDA_EXE",
                                                "MAMBA_ROOT_PREFIX",
                                                "CUDA_VISIBLE_DEVICES",
                                                "CUDA_MODULE_LOADING",
                                                "CUDA_HOME",
                                                "CUDA_PATH",
                                                "NVIDIA_VISIBLE_DEVICES",
                                                "NVIDIA_DRIVER_CAPABILITIES",
                                                "GLIBC_TUNABLES",
                                                "TORCH_CUDA_ARCH_LIST"};
  for (const auto candidate : kNames)
    if (name == candidate) return true;
  for (const std::string_view prefix : {"LD_", "UV_", "PYENV_"})
    if (name.starts_with(prefix)) return true;
  // CPython's own are PYTHONPATH, PYTHONHOME, …; PYTHON_VERSION is a name of images' authors.
  return name.starts_with("PYTHON") && name.size() > 6 && name[6] != '_';
}

}  // namespace gpuinit::image
