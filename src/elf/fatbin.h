// Which GPU architectures a library carries code for: a walk over the headers
// of its NVIDIA fatbin sections. Payloads are never read, never decompressed.
//
// The format is not published; the layout is from CUDA's fatbinary_section.h and
// measurements against cuobjdump (docs/fatbin.md). A container that cannot be
// followed is an error, so that the fact becomes unknown, never half a list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "elf/elf_file.h"
#include "gpuinit/result.h"

namespace gpuinit::elf {

// Containers with the same set of targets: "sm_90", "sm_90a", "sm_100f" for
// cubins, "compute_90", "compute_90a" for PTX.
struct FatbinGroup {
  std::vector<std::string> targets;  // sorted, unique
  std::string ptx_isa;               // highest of the group's PTX entries; empty: no PTX
  std::uint64_t containers = 0;
};

struct Fatbins {
  // Target → number of entries, as cuobjdump counts them. Entries of other kinds
  // (LTO IR) are not among them: no driver loads those by themselves.
  std::map<std::string, std::uint64_t> entries;

  // Without the containers that cannot hold a kernel (only cubins below 2 KB:
  // device-link stubs, files with constants only): they say nothing about which
  // device can run the library. So the groups may add up to less than `containers`.
  std::vector<FatbinGroup> groups;

  std::uint64_t containers = 0;  // all of them
};

// Reads .nv_fatbin and __nv_relfatbin of `elf`. A library with neither has no
// device code: an empty Fatbins.
Result<Fatbins> read_fatbins(const ElfFile& elf);

// Walks the back-to-back containers in [offset, offset + size) of `source`.
Status walk_fatbin_section(const base::ByteSource& source, std::uint64_t offset, std::uint64_t size,
                           Fatbins& into);

}  // namespace gpuinit::elf
