#include "image/python/python_symbols.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "elf/symbol_table.h"

namespace gpuinit::image {

namespace {

using Symbols = Fact<std::vector<std::string>>;
constexpr std::string_view kPublic = "Py", kPrivate = "_Py";

// All names at once: a look-up of each through the hash table costs ten times that.
Status add_exports(const elf::ElfFile& elf, std::unordered_set<std::string>& names) {
  auto symbols = elf.symbols_with_prefix({kPublic, kPrivate});
  if (!symbols) return std::move(symbols).error();
  for (auto& symbol : *symbols)
    if (symbol.defined) names.insert(std::move(symbol.name));
  return Done{};
}

}  // namespace

Fact<std::vector<std::string>> missing_python_symbols(const elf::ElfFile& library,
                                                      const PythonBinary& python) {
  if (!python.code()) return Symbols::unknown(python.code().error().message);
  std::unordered_set<std::string> exports;
  auto done = add_exports(python.code()->elf(), exports);
  if (done && !python.libpython().empty()) done = add_exports(python.program().elf(), exports);
  if (!done) return Symbols::unknown(done.error().message);
  if (exports.empty()) return Symbols::unknown("the interpreter exports no C API");

  auto dynamic = library.dynamic();
  if (!dynamic) return Symbols::unknown(dynamic.error().message);
  for (const std::string& needed : dynamic->needed)
    if (needed.starts_with("libpython"))
      return Symbols::unknown(library.source().name() + " brings " + needed + " of its own");

  std::vector<std::string> missing;
  elf::SymbolTable table(library);
  auto symbols = table.undefined([](std::string_view name) {
    return name.starts_with(kPublic) || name.starts_with(kPrivate);
  });
  if (!symbols) return Symbols::unknown(symbols.error().message);
  for (const auto& symbol : *symbols) {
    std::string name(symbol.name);
    if (!exports.contains(name)) missing.push_back(std::move(name));
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

}  // namespace gpuinit::image
