// Which GPU architectures a library carries code for: a walk over the headers
// of its NVIDIA fatbin sections. Payloads are never read, never decompressed.
//
// The format is not published; the layout is from CUDA's fatbinary_section.h and
// measurements against cuobjdump (docs/fatbin.md). A container that cannot be
// followed is an error, so that the fact becomes unknown, never half a list.
#pragma once

#include <cstdint>

#include "base/byte_source.h"
#include "elf/elf_file.h"
#include "gpuinit/device_code.h"
#include "gpuinit/result.h"

namespace gpuinit::elf {

// Adds what the sections .nv_fatbin and __nv_relfatbin of `elf` hold to `into`, the files aside.
// Returns the number of containers; 0: it carries no device code. After an error `into` is of
// no use.
//
// Entries of other kinds than cubin and PTX (LTO IR) are not counted: no driver loads those by
// themselves. Containers that cannot hold a kernel (only cubins below 2 KB: device-link stubs,
// files with constants only) are in no group: they say nothing about which device can run the
// library. So the groups may add up to less than all containers.
Result<std::uint64_t> read_fatbins(const ElfFile& elf, DeviceCode& into);

// The same for the back-to-back containers in [offset, offset + size) of `source`.
Result<std::uint64_t> walk_fatbin_section(const base::ByteSource& source, std::uint64_t offset,
                                          std::uint64_t size, DeviceCode& into);

}  // namespace gpuinit::elf
