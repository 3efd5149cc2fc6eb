#include "ldso/symbol_check.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace gpuinit::ldso {

Result<std::vector<UndefinedSymbol>> SymbolCheck::undefined(
    std::size_t object, const elf::SymbolTable::Wanted& name,
    const elf::SymbolTable::Wanted& version) const {
  auto references = closure_.symbols_of(object).undefined(name, version);
  if (!references) return std::move(references).error();
  std::vector<elf::SymbolReference> nowhere;
  std::optional<Error> unreadable;
  std::vector<std::size_t> scope = closure_.scope_of(object);
  for (const std::size_t other : scope) closure_.symbols_of(other).fetch(*references);
  for (const elf::SymbolReference& reference : *references) {
    std::optional<Error> problem;
    bool defined = false;
    // NVIDIA's versions have the name of their library: whether there is a definition does
    // not depend on the order of the search.
    const std::size_t likely = closure_.answering_to(std::string(reference.version));
    if (std::find(scope.begin(), scope.end(), likely) != scope.end())
      if (auto here = closure_.symbols_of(likely).defines(reference)) defined = *here;
    for (std::size_t at = 0; at < scope.size() && !defined; ++at) {
      auto here = closure_.symbols_of(scope[at]).defines(reference);
      if (!here) {
        problem = std::move(here).error();
        continue;
      }
      defined = *here;
      // The next symbol is most likely where this one is.
      if (defined) std::swap(scope[0], scope[at]);
    }
    if (defined) continue;
    nowhere.push_back(reference);
    if (problem && !unreadable) unreadable = std::move(problem);
  }
  if (unreadable) return *std::move(unreadable);
  if (!nowhere.empty())
    if (auto done = closure_.symbols_of(object).keep_relocated(nowhere); !done)
      return std::move(done).error();
  const std::string& path = closure_.objects()[object].path;
  std::vector<UndefinedSymbol> undefined;
  for (const elf::SymbolReference& one : nowhere)
    undefined.push_back({std::string(one.name), std::string(one.version), path});
  std::sort(undefined.begin(), undefined.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.version) < std::tie(b.name, b.version);
  });
  return undefined;
}

}  // namespace gpuinit::ldso
