// torch's own shared libraries: those that `import torch` loads (so that conda's and Debian's
// layouts need no rules of their own), then what else lies in torch/lib.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "image/frameworks/torch_load.h"

namespace gpuinit::image {

struct TorchLibrary {
  elf::ElfFile elf;
  std::string path;  // as the loader opens it
};

struct TorchLibraries {
  std::map<std::string, TorchLibrary> by_stem;  // "libtorch_cuda" → the library
  std::vector<std::string> missing;  // "libtorch_cpu.so", "torch/lib/libc10.so (truncated)"
  std::string problem;               // why the list may not be all; empty: it is

  const TorchLibrary* find(const std::string& stem) const {
    const auto found = by_stem.find(stem);
    return found == by_stem.end() ? nullptr : &found->second;
  }
};

// `package`: the torch directory. `extension`: the name of its `_C.*.so`; may be empty.
// `cuda_build`: libtorch_cuda and libc10_cuda have to be there as well.
TorchLibraries find_torch_libraries(const base::RootFs& fs, const std::string& package,
                                    const std::string& extension, bool cuda_build,
                                    const TorchLoad& load);

// What is wrong with the file as a whole, "truncated"; "" if all that its headers
// promise is there. A stripped or patched library is whole.
std::string elf_damage(const base::ByteSource& source);

}  // namespace gpuinit::image
