#include "image/frameworks/program_device_code.h"

#include <algorithm>

#include "ldso/library_search.h"
#include "ldso/loader_closure.h"

namespace gpuinit::image {

namespace {

bool has_fatbin(const elf::ElfFile& elf) {
  // As elf::read_fatbins. A file without section headers shows none.
  for (const char* name : {".nv_fatbin", "__nv_relfatbin"})
    if (const auto section = elf.section(name); section && *section) return true;
  return false;
}

}  // namespace

bool has_device_code(const base::RootFs& fs, const base::Environment& environment,
                     const std::string& program) {
  const ldso::LibrarySearch libraries(fs, environment);
  const auto closure = ldso::LoaderClosure::of_program(fs, libraries, environment, program);
  return closure && std::ranges::any_of(closure->objects(), [](const ldso::LoadedObject& object) {
           return has_fatbin(object.elf);
         });
}

}  // namespace gpuinit::image
