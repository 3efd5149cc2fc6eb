// What an opened ElfFile holds; private to elf_*.cpp and symbol_table*.cpp.
#pragma once

#include <elf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "elf/elf_file.h"
#include "elf/read_window.h"

namespace gpuinit::elf {

// PT_DYNAMIC and the tables it leads to, as offsets in the file.
struct DynamicTables {
  bool present = false;
  std::vector<Elf64_Dyn> entries;                    // up to DT_NULL
  std::uint64_t strings = 0;                         // DT_STRTAB
  std::uint64_t strings_size = 0;                    // DT_STRSZ; 0: the file has no string table
  std::optional<std::uint64_t> symbols;              // DT_SYMTAB
  std::optional<std::uint64_t> gnu_hash;             // DT_GNU_HASH
  std::optional<std::uint64_t> hash;                 // DT_HASH
  std::optional<std::uint64_t> version_needs;        // DT_VERNEED
  std::optional<std::uint64_t> version_definitions;  // DT_VERDEF
  std::optional<std::uint64_t> version_indices;      // DT_VERSYM
};

// The head of a DT_GNU_HASH table; offsets are in the file.
struct GnuHash {
  std::uint32_t buckets = 0;
  std::uint32_t first_symbol = 0;  // symbols below this index are not in the table
  std::uint32_t bloom_words = 0;   // 8 bytes each
  std::uint32_t bloom_shift = 0;
  std::uint64_t bloom_at = 0;
  std::uint64_t buckets_at = 0;
  std::uint64_t chains_at = 0;  // one word for each symbol from first_symbol on
};

struct ElfFile::State {
  explicit State(std::shared_ptr<const base::ByteSource> from)
      : source(std::move(from)), window(*source) {}

  std::shared_ptr<const base::ByteSource> source;
  ReadWindow window;  // of `source`, for headers and names
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;

  // Read on first use; an ElfFile is for one thread.
  mutable std::optional<DynamicTables> tables;
  mutable std::optional<GnuHash> gnu_hash;

  // The file's name before what is wrong with it.
  Error broken(const std::string& what) const { return Error{source->name() + ": " + what}; }
  // An upper limit of this reader's; nothing is wrong with the file.
  Error limit(const std::string& what) const { return limit_error(source->name(), what); }

  Result<std::uint64_t> file_offset(std::uint64_t address, std::uint64_t length) const;
  Result<const DynamicTables*> dynamic_tables() const;
  int cpu_level() const;
  Result<const GnuHash*> gnu_hash_head(const DynamicTables& from) const;

  // The string at `index` of DT_STRTAB.
  Result<std::string> string_at(const DynamicTables& from, std::uint64_t index) const;

  Result<std::optional<Symbol>> defined_at(const DynamicTables& from, std::uint64_t index,
                                           std::string_view name) const;
  Result<std::optional<Symbol>> find_in_gnu_hash(const DynamicTables& from,
                                                 std::string_view name) const;
  Result<std::optional<Symbol>> find_in_sysv_hash(const DynamicTables& from,
                                                  std::string_view name) const;

  // How many entries DT_SYMTAB has: the format does not say it in one place.
  Result<std::uint64_t> symbol_count(const DynamicTables& from) const;

  // All section headers and the bytes of their name table.
  struct Sections {
    std::vector<Elf64_Shdr> headers;
    std::string names;
    // Empty if the name does not lie inside the table.
    std::string_view name_of(const Elf64_Shdr& header) const;
  };
  Result<Sections> sections() const;
};

// A table of `count` elements in one piece. `what` names it in errors; the caller has limited
// `count`.
template <class T>
Status read_into(const base::ByteSource& source, std::uint64_t offset, std::uint64_t count,
                 std::vector<T>& into, const char* what) {
  if (!base::range_inside(offset, count * sizeof(T), source.size()))
    return Error{source.name() + ": a table of " + std::to_string(count) + " entries at offset " +
                 std::to_string(offset) + " runs out of the file"}
        .context(what);
  into.resize(count);
  auto done = source.read_at(offset, std::as_writable_bytes(std::span(into)));
  if (!done) return std::move(done).error().context(what);
  return Done{};
}

}  // namespace gpuinit::elf
