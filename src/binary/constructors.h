// The functions that the loader calls when a library is loaded: DT_INIT_ARRAY.
#pragma once

#include <cstdint>
#include <vector>

#include "binary/elf_file.h"

namespace gpuinit::binary {

// Their addresses, as far as they can be told; in the order of .init_array. They stand in
// the array itself where the linker packed relative relocations (DT_RELR), and otherwise as
// addends of R_*_RELATIVE in .rela.dyn, which linkers sort by address (-z combreloc).
// `sections` are those of `elf`. Nothing is an error: what is not understood is left out.
std::vector<std::uint64_t> constructors(const ElfFile& elf, const std::vector<Section>& sections);

}  // namespace gpuinit::binary
