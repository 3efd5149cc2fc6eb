// What a framework's libraries say of the CUDA that they were built for, whoever loads them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "ldso/loader_closure.h"

namespace gpuinit::image {

// "12" by the first of the names whose number is CUDA's major version: libcudart.so.12,
// libcublas.so.12, libcublasLt.so.12, libnvrtc.so.12. Empty: none of them is. (libcufft.so.11
// and others are of CUDA 12; libcudart.so.11.0 is CUDA 11.)
std::string cuda_of(const std::vector<std::string>& needed);

// Adds the code in the sections of `elf` to `code`; an error makes it unknown. A file without any
// changes nothing.
void add_code(const elf::ElfFile& elf, const std::string& path, Fact<DeviceCode>& code);

// CUDA's libraries among `objects`.
std::vector<LoadedLibrary> cuda_libraries(const base::RootFs& fs,
                                          const ldso::LoaderClosure& closure,
                                          const std::vector<std::size_t>& objects);

// The objects, and all that they need; each once.
std::vector<std::size_t> with_needs(const ldso::LoaderClosure& closure,
                                    std::vector<std::size_t> objects);

}  // namespace gpuinit::image
