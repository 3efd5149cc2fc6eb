// The dynamic symbols of one file in memory, for many look-ups: what it asks of others, and
// whether it defines what they ask. (ElfFile::find_defined is for a single name.)
//
// Source: glibc, elf/dl-lookup.c (do_lookup_x, check_match); gABI, "Hash Table".
#pragma once

#include <elf.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "elf/elf_file.h"

namespace gpuinit::elf {

// The two hash functions of symbol tables, DT_GNU_HASH's and DT_HASH's.
std::uint32_t gnu_hash_of(std::string_view name);
std::uint32_t sysv_hash_of(std::string_view name);

// The views point into the SymbolTable that it comes from.
struct SymbolReference {
  std::string_view name;
  std::string_view version;    // as the file wants it; empty: any
  std::uint32_t gnu_hash = 0;  // of the name
  std::uint64_t index = 0;     // in the file's own table
};

class SymbolTable {
 public:
  // Reads nothing yet. The source of `elf` must outlive the table. `budget` counts down the
  // bytes that all tables which share it may hold.
  SymbolTable(const ElfFile& elf, std::shared_ptr<std::uint64_t> budget)
      : elf_(elf), budget_(std::move(budget)) {}
  // Alone, it may hold kMaxAlone bytes.
  explicit SymbolTable(const ElfFile& elf)
      : SymbolTable(elf, std::make_shared<std::uint64_t>(kMaxAlone)) {}
  static constexpr std::uint64_t kMaxAlone = 256ULL * 1024 * 1024;

  // Which symbols are wanted: by name, and by the version that they are asked for in ("":
  // none). An empty function says yes to all.
  using Wanted = std::function<bool(std::string_view)>;

  // kUnmangled: not those of C++ ("_Z…"), which are told by two letters each. libtorch_cuda asks
  // for 2,700 names without a version, and 70 of them are of C.
  enum class Names { kAll, kUnmangled };

  // Symbols without a definition here that the loader has to find, not the weak ones. In the
  // order of the table, once for each version. Reads the head of the table, and of the names only
  // those that it needs where these are few: libcusparseLt has 29 MB of tables for 650 of these.
  Result<std::vector<SymbolReference>> undefined(const Wanted& name, const Wanted& version = {},
                                                 Names names = Names::kAll);

  // Takes out those that no relocation names: the loader never looks for them. (GCC 13 leaves
  // such a symbol in whatever includes <iostream>, _ZSt21ios_base_library_initv, for the linker
  // to complain about.) A file without relocation tables keeps them all. Reads the tables, of
  // which libtorch_cuda has 20 MB: ask for what is missing elsewhere only.
  Status keep_relocated(std::vector<SymbolReference>& symbols) const;

  // Whether the loader would take a definition from here. The hash table is read as a whole on
  // the first call; of large tables the first kSingleLooks symbols whose hash fits are read one
  // by one, the others and those of small tables with the whole table.
  Result<bool> defines(const SymbolReference& symbol);

  // Asks the disk, at once, for what defines() would read of these one by one. Fetches only, and
  // only what is not at hand.
  void fetch(const std::vector<SymbolReference>& symbols);

  static constexpr std::uint64_t kLargeNames = 2ULL * 1024 * 1024;  // bytes
  static constexpr int kSingleLooks = 2000;

 private:
  // What a chain of equal hashes has shown so far.
  struct Match {
    bool found = false;
    int only_by_version = 0;
  };
  struct Head {
    std::vector<Elf64_Sym> symbols;
    std::vector<Elf64_Half> versions;  // empty: no DT_VERSYM
  };
  Status read_head();
  Result<std::string_view> name_at(std::uint64_t index);
  void sort_by_name(std::vector<std::size_t>& symbols) const;
  Status drop_mangled(std::vector<std::size_t>& asked) const;
  Status read_names();
  Status read_hash();
  Status read_versions();
  Status read_version_indices();
  std::optional<Elf64_Half> version_of(std::uint64_t index) const;
  Status look_at(std::uint64_t index, const SymbolReference& symbol, Match& so_far);
  Status match_by_reading(std::uint64_t index, const SymbolReference& wanted, Match& so_far);
  Status read_symbols();
  Status charge(std::uint64_t bytes);
  Result<std::uint64_t> count();
  std::string_view name_of(const Elf64_Sym& symbol) const;

  void match(std::uint64_t index, const SymbolReference& symbol, Match& so_far) const;
  void match_version(std::optional<Elf64_Half> version, const SymbolReference& wanted,
                     Match& so_far) const;
  std::optional<std::uint64_t> first_with(std::uint32_t hash) const;
  Status walk_gnu_hash(const SymbolReference& symbol, Match& so_far);
  Status walk_sysv_hash(const SymbolReference& symbol, Match& so_far);

  ElfFile elf_;
  std::shared_ptr<std::uint64_t> budget_;
  std::optional<Head> head_;
  bool hash_read_ = false;
  bool symbols_read_ = false;
  std::uint64_t count_ = 0;

  // DT_GNU_HASH, or (no bloom filter) DT_HASH.
  std::vector<std::uint64_t> bloom_;
  std::vector<std::uint32_t> buckets_;
  std::vector<std::uint32_t> chains_;
  std::uint32_t bloom_shift_ = 0;
  std::uint32_t first_symbol_ = 0;

  std::vector<Elf64_Sym> symbols_;
  std::vector<Elf64_Half> version_indices_;  // empty: no DT_VERSYM
  std::vector<std::string> versions_;        // by index; empty: none
  std::unique_ptr<char[]> names_;
  std::uint64_t names_size_ = 0;

  bool versions_read_ = false;
  int single_looks_left_ = kSingleLooks;
  int few_looks_left_ = 20;                              // without the hash table in memory
  std::unordered_map<std::uint64_t, std::string> seen_;  // definitions read one by one: their names
  std::unordered_map<std::uint64_t, std::string> names_by_index_;  // while names_ is not read
};

}  // namespace gpuinit::elf
