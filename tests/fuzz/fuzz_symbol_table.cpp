// Symbol and hash tables of any bytes. What a table says it defines, the look-up of a single
// name finds as well, for the two are written separately.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/byte_source.h"
#include "elf/elf_file.h"
#include "elf/symbol_table.h"

using gpuinit::base::MemorySource;
using gpuinit::elf::ElfFile;
using gpuinit::elf::SymbolReference;
using gpuinit::elf::SymbolTable;

namespace {

bool any(std::string_view) { return true; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemorySource source(std::as_bytes(std::span(data, size)), "fuzz");
  auto elf = ElfFile::open(source);
  if (!elf) return 0;
  constexpr std::uint64_t kBudget = 64 * 1024 * 1024;
  const auto budget = std::make_shared<std::uint64_t>(kBudget);
  SymbolTable table(*elf, budget);
  auto undefined = table.undefined(any);
  if (undefined) {
    int left = 100;
    for (const SymbolReference& symbol : *undefined) {
      if (left-- == 0) break;
      if (symbol.gnu_hash != gpuinit::elf::gnu_hash_of(symbol.name)) std::abort();
      (void)table.defines(symbol);
    }
  }
  auto symbols = elf->symbols_with_prefix({""});
  if (!symbols) return 0;
  int left = 100;
  for (const auto& symbol : *symbols) {
    if (left-- == 0) break;
    auto here = table.defines({symbol.name, "", gpuinit::elf::gnu_hash_of(symbol.name)});
    if (!here || !*here) continue;
    auto found = elf->find_defined(symbol.name);
    if (found && !*found) std::abort();
  }
  return *budget <= kBudget ? 0 : (std::abort(), 0);
}
