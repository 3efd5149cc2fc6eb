// The dynamic symbol table: one name through the hash tables, many by prefix.
//
// Source: gABI "Hash Table"; for DT_GNU_HASH, which the gABI does not have,
// glibc's elf/dl-lookup.c and binutils' bfd/elflink.c.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>

#include "base/checked.h"
#include "elf/elf_file.h"
#include "elf/elf_state.h"
#include "elf/symbol_table.h"

namespace gpuinit::elf {

namespace {

// Upper limits. The largest seen: 76,000 symbols and 5 MB of names in libtorch_cpu.
constexpr std::uint64_t kMaxSymbols = 4'000'000;
constexpr std::uint64_t kMaxStringTable = 128ULL * 1024 * 1024;  // bytes
constexpr std::uint64_t kMaxMatches = 200'000;                   // of symbols_with_prefix
constexpr std::uint64_t kMaxMatchedNames = 64ULL * 1024 * 1024;  // bytes of them; names may overlap
constexpr std::uint64_t kMaxName = 64ULL * 1024;                 // bytes; mangled names are long
constexpr std::uint64_t kMaxChain = 4096;                        // symbols in one hash bucket

Symbol to_symbol(const Elf64_Sym& entry, std::string_view name) {
  Symbol symbol;
  symbol.name = name;
  symbol.defined = entry.st_shndx != SHN_UNDEF;
  symbol.weak = ELF64_ST_BIND(entry.st_info) == STB_WEAK;
  symbol.address = entry.st_value;
  symbol.size = entry.st_size;
  return symbol;
}

}  // namespace

std::uint32_t gnu_hash_of(std::string_view name) {
  std::uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

std::uint32_t sysv_hash_of(std::string_view name) {
  std::uint32_t hash = 0;
  for (const char c : name) {
    hash = (hash << 4) + static_cast<unsigned char>(c);
    const std::uint32_t high = hash & 0xf0000000U;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  return hash;
}

Result<const GnuHash*> ElfFile::State::gnu_hash_head(const DynamicTables& from) const {
  if (gnu_hash) return &*gnu_hash;
  auto words = window.read_struct<std::array<std::uint32_t, 4>>(*from.gnu_hash);
  if (!words) return std::move(words).error().context("DT_GNU_HASH");
  GnuHash head;
  head.buckets = (*words)[0];
  head.first_symbol = (*words)[1];
  head.bloom_words = (*words)[2];
  head.bloom_shift = (*words)[3];
  if (head.buckets == 0 || head.buckets > kMaxSymbols || head.first_symbol > kMaxSymbols ||
      head.bloom_words == 0 || head.bloom_words > kMaxSymbols || head.bloom_shift > 31)
    return broken("DT_GNU_HASH is broken");
  head.bloom_at = *from.gnu_hash + 16;
  head.buckets_at = head.bloom_at + std::uint64_t{8} * head.bloom_words;
  head.chains_at = head.buckets_at + std::uint64_t{4} * head.buckets;
  gnu_hash = head;
  return &*gnu_hash;
}

// The symbol at `index` if it is called `name` and is defined here.
Result<std::optional<Symbol>> ElfFile::State::defined_at(const DynamicTables& from,
                                                         std::uint64_t index,
                                                         std::string_view name) const {
  auto entry = window.read_struct<Elf64_Sym>(*from.symbols + index * sizeof(Elf64_Sym));
  if (!entry) return std::move(entry).error().context("DT_SYMTAB");
  if (entry->st_shndx == SHN_UNDEF) return std::optional<Symbol>();
  // The name and its NUL, and no more: most names that get here are the right one.
  const std::uint64_t length = name.size() + 1;
  if (!base::range_inside(entry->st_name, length, from.strings_size))
    return std::optional<Symbol>();
  auto text = window.read_text(from.strings + entry->st_name, length);
  if (!text) return std::move(text).error();
  if (text->back() != '\0' || std::string_view(*text).substr(0, name.size()) != name)
    return std::optional<Symbol>();
  return std::optional(to_symbol(*entry, name));
}

Result<std::optional<Symbol>> ElfFile::State::find_in_gnu_hash(const DynamicTables& from,
                                                               std::string_view name) const {
  auto opened = gnu_hash_head(from);
  if (!opened) return std::move(opened).error();
  const GnuHash& head = **opened;
  const std::uint32_t hash = gnu_hash_of(name);

  // The bloom filter: two bits of one word; both set or the name is not here.
  auto word =
      window.read_struct<std::uint64_t>(head.bloom_at + 8ULL * ((hash / 64) % head.bloom_words));
  if (!word) return std::move(word).error().context("DT_GNU_HASH");
  if (((*word >> (hash % 64)) & (*word >> ((hash >> head.bloom_shift) % 64)) & 1) == 0)
    return std::optional<Symbol>();

  auto bucket =
      window.read_struct<std::uint32_t>(head.buckets_at + std::uint64_t{4} * (hash % head.buckets));
  if (!bucket) return std::move(bucket).error().context("DT_GNU_HASH");
  if (*bucket == 0) return std::optional<Symbol>();
  if (*bucket < head.first_symbol) return broken("DT_GNU_HASH has a bucket below its first symbol");

  // A chain holds the hashes of its symbols; bit 0 marks the last one.
  for (std::uint64_t step = 0; step < kMaxChain; ++step) {
    const std::uint64_t index = *bucket + step;
    auto chained =
        window.read_struct<std::uint32_t>(head.chains_at + 4 * (index - head.first_symbol));
    if (!chained) return std::move(chained).error().context("DT_GNU_HASH");
    if ((*chained | 1U) == (hash | 1U)) {
      auto found = defined_at(from, index, name);
      if (!found || found->has_value()) return found;
    }
    if ((*chained & 1U) != 0) return std::optional<Symbol>();
  }
  return broken("DT_GNU_HASH has a chain without end");
}

Result<std::optional<Symbol>> ElfFile::State::find_in_sysv_hash(const DynamicTables& from,
                                                                std::string_view name) const {
  // {buckets, chains, bucket[], chain[]}; index 0 ends a chain.
  auto counts = window.read_struct<std::array<std::uint32_t, 2>>(*from.hash);
  if (!counts) return std::move(counts).error().context("DT_HASH");
  const auto [buckets, chains] = *counts;
  if (buckets == 0 || buckets > kMaxSymbols || chains > kMaxSymbols)
    return broken("DT_HASH is broken");
  std::uint64_t at = *from.hash + 8 + std::uint64_t{4} * (sysv_hash_of(name) % buckets);
  for (std::uint64_t step = 0; step < kMaxChain; ++step) {
    auto index = window.read_struct<std::uint32_t>(at);
    if (!index) return std::move(index).error().context("DT_HASH");
    if (*index == STN_UNDEF) return std::optional<Symbol>();
    if (*index >= chains) return broken("DT_HASH names a symbol that it does not have");
    auto found = defined_at(from, *index, name);
    if (!found || found->has_value()) return found;
    at = *from.hash + 8 + std::uint64_t{4} * (std::uint64_t{buckets} + *index);
  }
  return broken("DT_HASH has a chain without end");
}

Result<std::optional<Symbol>> ElfFile::find_defined(std::string_view name) const {
  auto tables = state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  const DynamicTables& from = **tables;
  if (name.empty() || name.size() > kMaxName || !from.symbols) return std::optional<Symbol>();
  if (from.gnu_hash) return state_->find_in_gnu_hash(from, name);
  if (from.hash) return state_->find_in_sysv_hash(from, name);
  return state_->broken("a symbol table without DT_GNU_HASH and DT_HASH");
}

Result<std::uint64_t> ElfFile::State::symbol_count(const DynamicTables& from) const {
  if (from.hash) {
    auto counts = window.read_struct<std::array<std::uint32_t, 2>>(*from.hash);
    if (!counts) return std::move(counts).error().context("DT_HASH");
    return (*counts)[1];
  }
  if (from.gnu_hash) {
    auto opened = gnu_hash_head(from);
    if (!opened) return std::move(opened).error();
    const GnuHash& head = **opened;
    // The chain that begins at the highest symbol ends the table.
    std::vector<std::uint32_t> buckets(head.buckets);
    auto done = source->read_at(head.buckets_at, std::as_writable_bytes(std::span(buckets)));
    if (!done) return std::move(done).error().context("DT_GNU_HASH");
    std::uint64_t last = *std::max_element(buckets.begin(), buckets.end());
    if (last != 0 && last < head.first_symbol)
      return broken("DT_GNU_HASH has a bucket below its first symbol");
    for (std::uint64_t step = 0; last != 0; ++step) {
      if (step > kMaxChain) return broken("DT_GNU_HASH has a chain without end");
      auto chained =
          window.read_struct<std::uint32_t>(head.chains_at + 4 * (last++ - head.first_symbol));
      if (!chained) return std::move(chained).error().context("DT_GNU_HASH");
      if ((*chained & 1U) != 0) return last;
    }
    // An empty table: the file defines nothing, and what it asks for is not counted there.
  }
  auto all = sections();
  if (!all) return std::move(all).error().context("counting symbols");
  for (const Elf64_Shdr& section : all->headers)
    if (section.sh_type == SHT_DYNSYM) return section.sh_size / sizeof(Elf64_Sym);
  return broken("nothing says how many dynamic symbols there are");
}

Result<std::vector<Symbol>> ElfFile::symbols_with_prefix(
    std::initializer_list<std::string_view> prefixes) const {
  auto tables = state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  const DynamicTables& from = **tables;
  std::vector<Symbol> found;
  if (!from.symbols) return found;
  auto count = state_->symbol_count(from);
  if (!count) return std::move(count).error();
  if (*count > kMaxSymbols) return state_->limit(std::to_string(*count) + " dynamic symbols");
  if (from.strings_size > kMaxStringTable)
    return state_->limit("symbol names of " + std::to_string(from.strings_size) + " bytes");
  if (!base::range_inside(*from.symbols, *count * sizeof(Elf64_Sym), source().size()))
    return state_->broken("DT_SYMTAB runs out of the file");

  // All names in one piece: a read for each of 50,000 names costs 50 ms.
  const auto table = std::make_unique_for_overwrite<char[]>(from.strings_size);
  const std::string_view names(table.get(), from.strings_size);
  auto read = source().read_at(from.strings,
                               std::as_writable_bytes(std::span(table.get(), from.strings_size)));
  if (!read) return std::move(read).error().context("symbol names");

  std::uint64_t matched = 0;
  std::vector<Elf64_Sym> piece(std::min<std::uint64_t>(*count, 4096));
  for (std::uint64_t index = 0; index < *count; index += piece.size()) {
    piece.resize(std::min<std::uint64_t>(piece.size(), *count - index));
    auto done = source().read_at(*from.symbols + index * sizeof(Elf64_Sym),
                                 std::as_writable_bytes(std::span(piece)));
    if (!done) return std::move(done).error().context("DT_SYMTAB");
    for (const Elf64_Sym& entry : piece) {
      if (entry.st_name == 0) continue;  // section symbols and the null symbol
      if (entry.st_name >= names.size()) return state_->broken("a symbol name outside DT_STRTAB");
      const std::string_view rest = names.substr(entry.st_name);
      if (std::none_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return rest.starts_with(prefix); }))
        continue;
      const auto end = rest.substr(0, kMaxName + 1).find('\0');
      if (end == std::string_view::npos) return state_->broken("a symbol name without end");
      matched += end;
      if (found.size() >= kMaxMatches || matched > kMaxMatchedNames)
        return state_->limit("too many symbols begin with \"" + std::string(*prefixes.begin()) +
                              "\"");
      found.push_back(to_symbol(entry, rest.substr(0, end)));
    }
  }
  return found;
}

}  // namespace gpuinit::elf
