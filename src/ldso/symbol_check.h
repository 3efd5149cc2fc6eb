// Which symbols of an object nobody defines in the places where the loader looks: the
// "undefined symbol: _ZN3c10…" of an import, before there is a process.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "elf/symbol_table.h"
#include "gpuinit/result.h"
#include "ldso/loader_closure.h"

namespace gpuinit::ldso {

struct UndefinedSymbol {
  std::string name;     // as in the file, mangled
  std::string version;  // that it has to have; empty: any
};

// Keeps the tables of the objects that it has looked into, for the questions that follow.
class SymbolCheck {
 public:
  // Bytes of symbol tables in memory. An interpreter with torch and its libraries: 45 MB.
  static constexpr std::uint64_t kMaxTables = 512ULL * 1024 * 1024;

  // `closure` must outlive it, and nothing may be opened in it between two questions.
  explicit SymbolCheck(const LoaderClosure& closure);

  // The undefined symbols of `object` that are wanted by name and version, that are not weak,
  // that a relocation names, and that no object in closure.scope_of(object) defines in the
  // version asked for; sorted.
  // Without the libraries in closure.missing() some may be undefined for that reason only.
  // An error if a table could not be read that might define one of them: then it is not known.
  Result<std::vector<UndefinedSymbol>> undefined(std::size_t object,
                                                 const elf::SymbolTable::Wanted& name,
                                                 const elf::SymbolTable::Wanted& version = {});

 private:
  elf::SymbolTable& table(std::size_t object);

  const LoaderClosure& closure_;
  std::shared_ptr<std::uint64_t> budget_;
  std::vector<std::unique_ptr<elf::SymbolTable>> tables_;
};

}  // namespace gpuinit::ldso
