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
#include "binary/elf_file.h"
#include "gpuinit/result.h"

namespace gpuinit::binary {

// One fatbin entry.
struct FatbinEntry {
  std::string target;  // "sm_90", "sm_90a", "sm_100f"; PTX: "compute_90", "compute_90a", …
  bool ptx = false;
  std::string ptx_isa;  // PTX only: ISA version, "8.4"
};

// Containers with the same set of targets.
struct FatbinGroup {
  std::vector<std::string> targets;  // sorted, unique
  std::string ptx_isa;               // highest of the group's PTX entries; empty: no PTX
  std::uint64_t containers = 0;
};

struct Fatbins {
  std::map<std::string, std::uint64_t> entries;  // target → number of entries
  std::vector<FatbinGroup> groups;               // device-link stubs are not among them
  std::uint64_t containers = 0;                  // all, stubs included
};

// Reads .nv_fatbin and __nv_relfatbin of `elf`. A library with neither has no
// device code: an empty Fatbins.
Result<Fatbins> read_fatbins(const ElfFile& elf);

// Walks the back-to-back containers in [offset, offset + size) of `source`.
Status walk_fatbin_section(const base::ByteSource& source, std::uint64_t offset, std::uint64_t size,
                           Fatbins& into);

}  // namespace gpuinit::binary
