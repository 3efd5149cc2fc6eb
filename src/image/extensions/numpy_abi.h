// For which NumPy a library was compiled.
#pragma once

#include <string>

#include "elf/elf_file.h"
#include "gpuinit/fact.h"

namespace gpuinit::image {

// "1" or "2"; absent: it does not use NumPy's C API. By the module that import_array() of
// NumPy's headers imports: those of NumPy 1 compile in "numpy.core._multiarray_umath", those
// of NumPy 2 also, and first, "numpy._core._multiarray_umath". What was compiled with 2 runs
// with both, what was compiled with 1 not with 2. Source: NumPy, numpy/__multiarray_api.h
// (code_generators/generate_numpy_api.py); seen in 1.24's headers and in torch 2.5 to 2.15.
Fact<std::string> read_numpy_abi(const elf::ElfFile& elf);

}  // namespace gpuinit::image
