// An image described by a scenario, written as a tree of real files.
//
//   machine          "x86_64" if it is not said, of every file
//   [image.python]   version, soabi, loader (its PT_INTERP)
//   [image.torch]    version, cuda ("" in a CPU build), python (ABI tag of `_C`), targets, ptx_isa,
//                    requires (Requires-Dist): the package directory without its libraries
//   [image.wheel.NAME]     version, requires, tag: the dist-info; `files` is what `remove` takes
//   along [image.library."PATH"] an ELF file: soname, needs, rpath, runpath, versions (that it
//   defines),
//                    needs_versions (file → versions), exports and wants (`symbol` or
//                    `symbol@version`), targets and ptx_isa (its fatbin; "torch": those of torch),
//                    arch_list, strings, machine, cpu_level (3: it asks for x86-64-v3),
//                    executable_stack (true: PT_GNU_STACK asks for it); loader (its PT_INTERP: it
//                    is a program)
//   [image.file."PATH"]    content, mode
//   [image.link]     PATH = target
//   ld_so_cache      directories that ldconfig has looked through
//
// A library has its file's name as SONAME if that begins with "lib", and needs libc.so.6 alone,
// where it does not say otherwise.
#pragma once

#include "base/json.h"
#include "support/tree.h"

namespace gpuinit::test {

void write_image(const base::Json& image, Tree& tree);

}  // namespace gpuinit::test
