#include "ldso/symbol_check.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/library_names.h"

namespace gpuinit::ldso {

// NVIDIA's versions have the name of their library, and so have its functions.
std::size_t SymbolCheck::likely_provider(const elf::SymbolReference& symbol,
                                         const std::vector<std::size_t>& scope) const {
  const bool by_version = !symbol.version.empty();
  const std::size_t answering =
      by_version ? closure_.answering_to(std::string(symbol.version)) : LoaderClosure::kMissing;
  // Of C++ and of Python there are thousands.
  if (by_version || symbol.name.starts_with('_') || symbol.name.starts_with("Py"))
    return std::ranges::find(scope, answering) == scope.end() ? LoaderClosure::kMissing : answering;
  const auto named = std::ranges::find_if(scope, [&](std::size_t object) {
    return base::is_named_after(symbol.name, closure_.objects()[object].dynamic.soname);
  });
  return named == scope.end() ? LoaderClosure::kMissing : *named;
}

Result<std::vector<UndefinedSymbol>> SymbolCheck::undefined(std::size_t object,
                                                            const elf::SymbolTable::Wanted& name,
                                                            const elf::SymbolTable::Wanted& version,
                                                            elf::SymbolTable::Names names) const {
  auto references = closure_.symbols_of(object).undefined(name, version, names);
  if (!references) return std::move(references).error();
  std::vector<elf::SymbolReference> nowhere;
  std::optional<Error> unreadable;
  std::vector<std::size_t> scope = closure_.scope_of(object);
  for (const std::size_t other : scope) closure_.symbols_of(other).fetch(*references);
  for (const elf::SymbolReference& reference : *references) {
    std::optional<Error> problem;
    bool defined = false;
    // Whether there is a definition does not depend on the order of the search.
    const std::size_t likely = likely_provider(reference, scope);
    if (likely != LoaderClosure::kMissing)
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
