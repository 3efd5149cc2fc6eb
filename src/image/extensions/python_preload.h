// What a package's own Python code opens from NVIDIA's wheels before it imports an extension:
// by cuda.pathfinder (CuPy 14), or by a list of its own (CTranslate2, JAX, Paddle).
#pragma once

#include <string>

#include "base/root_fs.h"
#include "image/packages/wheel_libraries.h"

namespace gpuinit::image {

// The file that such code opens for `library` ("libcusolver.so.11"), as it searches.
// Empty: there is none, or no Python file beside `extension` does so.
//
// Source: cuda-pathfinder, _dynamic_libs/search_steps.py and descriptor_catalog.py; CuPy,
// cupy_backends/cuda/libs/__init__.py. CuPy 13 has a list without cuSOLVER, and is found to.
std::string opened_by_python(const base::RootFs& fs, WheelLibraries& wheels,
                             const std::string& extension, const std::string& library);

}  // namespace gpuinit::image
