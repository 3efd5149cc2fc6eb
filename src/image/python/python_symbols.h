// The C API that torch wants of its interpreter, and what of it is not there: the
// proof behind an ABI mismatch, and the only one where the names agree.
#pragma once

#include <string>
#include <vector>

#include "gpuinit/fact.h"
#include "image/open_elf.h"
#include "image/python/python_binary.h"

namespace gpuinit::image {

// The undefined strong Py… and _Py… symbols of `library` that neither the program
// nor its libpython exports, sorted. Unknown if one of the files cannot be read.
Fact<std::vector<std::string>> missing_python_symbols(const elf::ElfFile& library,
                                                      const PythonBinary& python);

}  // namespace gpuinit::image
