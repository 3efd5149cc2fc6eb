// Which symbols of an object no library defines in the places where the loader looks: the
// "undefined symbol: _ZN3c10…" of an import, before there is a process.
#pragma once

#include <cstddef>
#include <vector>

#include "elf/symbol_table.h"
#include "gpuinit/load_problems.h"
#include "gpuinit/result.h"
#include "ldso/loader_closure.h"

namespace gpuinit::ldso {

class SymbolCheck {
 public:
  // `closure` must outlive it, and nothing may be opened in it between two questions.
  explicit SymbolCheck(const LoaderClosure& closure) : closure_(closure) {}

  // The undefined symbols of `object` that are wanted by name and version, that are not weak,
  // that a relocation names, and that no object in closure.scope_of(object) defines in the
  // version asked for; sorted.
  // Without the libraries in closure.missing() some may be undefined for that reason only.
  // An error if a table could not be read that might define one of them: then it is not known.
  Result<std::vector<UndefinedSymbol>> undefined(
      std::size_t object, const elf::SymbolTable::Wanted& name,
      const elf::SymbolTable::Wanted& version = {},
      elf::SymbolTable::Names names = elf::SymbolTable::Names::kAll) const;

 private:
  std::size_t likely_provider(const elf::SymbolReference& symbol,
                              const std::vector<std::size_t>& scope) const;

  const LoaderClosure& closure_;
};

}  // namespace gpuinit::ldso
