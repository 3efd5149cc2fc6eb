// A slow disk: how often a look-up in large tables has to wait for it.
#include <gtest/gtest.h>

#include "elf/symbol_table.h"
#include "support/elf_builder.h"
#include "support/slow_disk.h"

namespace gpuinit::elf {
namespace {

constexpr int kSymbols = 3000;

// Long enough that the table of all is a large one.
std::string name(int i) { return "_ZN2at" + std::to_string(i) + std::string(800, 'x'); }

std::string library() {
  test::ElfBuilder builder;
  for (int i = 0; i < kSymbols; ++i) builder.defines(name(i));
  return builder.build();
}

int waits_for(const std::string& file, bool fetch) {
  const test::SlowDisk disk(file);
  SymbolTable table(*ElfFile::open(disk));
  std::vector<std::string> names;
  for (int i = 0; i < kSymbols; i += 30) names.push_back(name(i));
  names.emplace_back("_ZN2at5gone");
  std::vector<SymbolReference> wanted;
  for (const std::string& one : names) wanted.push_back({one, "", gnu_hash_of(one), 0});
  if (fetch) table.fetch(wanted);
  for (const SymbolReference& one : wanted)
    EXPECT_EQ(*table.defines(one), one.name != "_ZN2at5gone") << one.name;
  return disk.waits();
}

TEST(SymbolTableFetch, LooksUpManyNamesWithFewWaits) {
  const std::string file = library();
  EXPECT_GT(waits_for(file, false), 90);  // a name each
  EXPECT_LT(waits_for(file, true), 40);   // the tables that are read as a whole
}

TEST(SymbolTableFetch, LeavesSmallTablesAlone) {
  const std::string file = test::ElfBuilder().defines("here").build();
  const test::SlowDisk disk(file);
  SymbolTable table(*ElfFile::open(disk));
  table.fetch({{"here", "", gnu_hash_of("here"), 0}});
  EXPECT_LE(disk.waits(), 1);
}

}  // namespace
}  // namespace gpuinit::elf
