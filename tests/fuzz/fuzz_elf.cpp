// Every question an ElfFile can be asked, on any bytes.
#include <cstddef>
#include <cstdint>

#include "base/byte_source.h"
#include "elf/elf_file.h"

using gpuinit::base::MemorySource;
using gpuinit::elf::ElfFile;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemorySource source(std::as_bytes(std::span(data, size)), "fuzz");
  auto elf = ElfFile::open(source);
  if (!elf) return 0;
  (void)elf->machine();
  (void)elf->interpreter();
  (void)elf->section(".nv_fatbin");
  (void)elf->note(".note.gnu.build-id", "GNU");
  (void)elf->file_offset(0x400100, 16);
  auto dynamic = elf->dynamic();
  if (dynamic && dynamic->present) (void)elf->find_defined(dynamic->soname);
  (void)elf->find_defined("PyInit__C");
  auto symbols = elf->symbols_with_prefix({""});
  if (!symbols) return 0;
  int left = 100;
  for (const auto& symbol : *symbols)
    if (left-- > 0) (void)elf->find_defined(symbol.name);
  return 0;
}
