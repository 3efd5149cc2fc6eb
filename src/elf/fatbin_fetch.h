// Gets the headers of fatbins off a slow disk, many at a time.
#pragma once

#include "elf/elf_file.h"

namespace gpuinit::elf {

// On a cold page cache every header is a wait for the disk, thousands in a row. This asks for one
// header of every container at a time, so that the disk has hundreds to choose from. It only
// fetches, and only what is not at hand: what is wrong with a header is found when it is read.
void fetch_fatbin_headers(const ElfFile& elf, const Section& fatbin);

}  // namespace gpuinit::elf
