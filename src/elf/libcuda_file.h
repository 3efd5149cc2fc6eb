// What a libcuda's file says of itself: the driver release it belongs to, and the note
// of forward-compatibility builds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "elf/elf_file.h"
#include "gpuinit/compat_note.h"
#include "gpuinit/fact.h"
#include "gpuinit/result.h"

namespace gpuinit::elf {

// What a driver's release number looks like, "535.104.05", "570.26": two to four numbers with
// dots between them.
bool is_release(std::string_view text);

// "535.104.05" of "/usr/lib/…/libcuda.so.535.104.05"; nullopt if the name does not end in a
// driver release (libcuda.so.1, or Tegra's and WSL's libcuda.so.1.1).
std::optional<std::string> release_in_name(std::string_view real_path);

// The JSON of a .note.cuda.fwd_compatibility section, e.g.
//   {"Format":1,"CUDA Version":"12.9","Driver":[535,550],"Device":[1,2]}
Result<CompatNote> parse_compat_note(std::string_view json);

// Absent: the library has no such section. Unknown: it cannot be read.
Fact<CompatNote> read_compat_note(const ElfFile& elf);

}  // namespace gpuinit::elf
