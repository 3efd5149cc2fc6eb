// Reading the tables of a SymbolTable, each in one piece.
#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <unordered_set>
#include <utility>

#include "base/checked.h"
#include "elf/elf_state.h"
#include "elf/symbol_table.h"

namespace gpuinit::elf {

namespace {

// Upper limits. The largest seen: 90,000 symbols and 7 MB of names in libtorch_cuda.
constexpr std::uint64_t kMaxSymbols = 2'000'000;
constexpr std::uint64_t kMaxNames = 128ULL * 1024 * 1024;  // bytes
constexpr std::uint64_t kMaxRelocations = 20'000'000;
constexpr std::uint64_t kPiece = 32ULL * 1024;  // relocations read at once

}  // namespace

Status SymbolTable::charge(std::uint64_t bytes) {
  if (bytes > *budget_)
    return elf_.state_->limit("symbol tables of " + std::to_string(bytes) + " bytes are too large");
  *budget_ -= bytes;
  return Done{};
}

Result<std::uint64_t> SymbolTable::count() {
  if (count_ != 0) return count_;
  auto tables = elf_.state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  auto symbols = elf_.state_->symbol_count(**tables);
  if (!symbols) return std::move(symbols).error();
  if (*symbols > kMaxSymbols)
    return elf_.state_->limit(std::to_string(*symbols) + " dynamic symbols");
  return count_ = *symbols;
}

// The symbols that are not in the hash table. Linkers put all undefined ones there, except in a
// program at a fixed address: a function whose address it takes has one in the program itself.
Status SymbolTable::read_head() {
  if (head_) return Done{};
  const DynamicTables& from = **elf_.state_->dynamic_tables();
  std::uint64_t length = 0;
  if (from.gnu_hash && elf_.state_->header.e_type == ET_DYN) {
    auto hash = elf_.state_->gnu_hash_head(from);
    if (!hash) return std::move(hash).error();
    // One bucket: the table may be empty, and then its first symbol says nothing.
    if ((*hash)->buckets > 1) length = (*hash)->first_symbol;
  }
  if (length == 0) {
    auto symbols = count();
    if (!symbols) return std::move(symbols).error();
    length = *symbols;
  }
  Head head;
  if (auto done = charge(length * (sizeof(Elf64_Sym) + sizeof(Elf64_Half))); !done) return done;
  const base::ByteSource& source = elf_.source();
  if (auto done = read_into(source, *from.symbols, length, head.symbols, "DT_SYMTAB"); !done)
    return done;
  if (from.version_indices)
    if (auto done = read_into(source, *from.version_indices, length, head.versions, "DT_VERSYM");
        !done)
      return done;
  head_ = std::move(head);
  return Done{};
}

Status SymbolTable::read_hash() {
  if (hash_read_) return Done{};
  auto tables = elf_.state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  const DynamicTables& from = **tables;
  const base::ByteSource& source = elf_.source();
  if (!from.symbols || (!from.gnu_hash && !from.hash)) {
    hash_read_ = true;  // defines nothing
    return Done{};
  }
  if (from.gnu_hash) {
    auto head = elf_.state_->gnu_hash_head(from);
    if (!head) return std::move(head).error();
    const GnuHash& hash = **head;
    // If all buckets are empty there are no chains, and nothing says how many symbols there are.
    if (auto done = charge(hash.bloom_words * 8ULL + hash.buckets * 4ULL); !done) return done;
    if (auto done = read_into(source, hash.buckets_at, hash.buckets, buckets_, "DT_GNU_HASH");
        !done)
      return done;
    if (auto done = read_into(source, hash.bloom_at, hash.bloom_words, bloom_, "DT_GNU_HASH");
        !done)
      return done;
    bloom_shift_ = hash.bloom_shift;
    first_symbol_ = hash.first_symbol;
    if (*std::max_element(buckets_.begin(), buckets_.end()) != 0) {
      auto symbols = count();
      if (!symbols) return std::move(symbols).error();
      const std::uint64_t chains = *symbols > first_symbol_ ? *symbols - first_symbol_ : 0;
      if (auto done = charge(chains * 4); !done) return done;
      if (auto done = read_into(source, hash.chains_at, chains, chains_, "DT_GNU_HASH"); !done)
        return done;
    }
  } else {
    auto head = source.read_struct<std::array<std::uint32_t, 2>>(*from.hash);
    if (!head) return std::move(head).error().context("DT_HASH");
    const auto [buckets, chains] = *head;
    if (buckets == 0 || buckets > kMaxSymbols || chains > kMaxSymbols)
      return elf_.state_->broken("DT_HASH is broken");
    if (auto done = charge((std::uint64_t{buckets} + chains) * 4); !done) return done;
    const std::uint64_t at = *from.hash + sizeof *head;
    if (auto done = read_into(source, at, buckets, buckets_, "DT_HASH"); !done) return done;
    if (auto done = read_into(source, at + 4ULL * buckets, chains, chains_, "DT_HASH"); !done)
      return done;
  }
  hash_read_ = true;
  return Done{};
}

// The names of the indices in DT_VERSYM.
Status SymbolTable::read_versions() {
  if (versions_read_) return Done{};
  const auto name_version = [&](std::uint16_t index, std::string name) {
    if (index >= versions_.size()) versions_.resize(index + 1U);
    versions_[index] = std::move(name);
  };
  auto needs = elf_.needed_versions();
  if (!needs) return std::move(needs).error();
  for (VersionNeed& need : *needs)
    for (auto& version : need.versions) name_version(version.index, std::move(version.name));
  auto definitions = elf_.defined_versions();
  if (!definitions) return std::move(definitions).error();
  if (*definitions)
    for (VersionDefinition& one : **definitions)
      if (!one.base) name_version(one.index, std::move(one.name));
  versions_read_ = true;
  return Done{};
}

Status SymbolTable::read_names() {
  if (names_size_ != 0) return Done{};
  const DynamicTables& from = **elf_.state_->dynamic_tables();
  if (from.strings_size > kMaxNames)
    return elf_.state_->limit("symbol names of " + std::to_string(from.strings_size) + " bytes");
  if (auto done = charge(from.strings_size); !done) return done;
  names_ = std::make_unique_for_overwrite<char[]>(from.strings_size);
  auto done = elf_.source().read_at(
      from.strings, std::as_writable_bytes(std::span(names_.get(), from.strings_size)));
  if (!done) return std::move(done).error().context("symbol names");
  names_size_ = from.strings_size;
  return Done{};
}

Status SymbolTable::read_version_indices() {
  const DynamicTables& from = **elf_.state_->dynamic_tables();
  if (!from.version_indices || !version_indices_.empty()) return Done{};
  auto symbols = count();
  if (!symbols) return std::move(symbols).error();
  if (auto done = charge(*symbols * sizeof(Elf64_Half)); !done) return done;
  return read_into(elf_.source(), *from.version_indices, *symbols, version_indices_, "DT_VERSYM");
}

Status SymbolTable::read_symbols() {
  if (symbols_read_) return Done{};
  auto tables = elf_.state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  const DynamicTables& from = **tables;
  const base::ByteSource& source = elf_.source();
  if (!from.symbols) {
    symbols_read_ = true;
    return Done{};
  }
  auto symbols = count();
  if (!symbols) return std::move(symbols).error();
  if (auto done = charge(*symbols * sizeof(Elf64_Sym)); !done) return done;
  if (auto done = read_into(source, *from.symbols, *symbols, symbols_, "DT_SYMTAB"); !done)
    return done;
  if (auto done = read_version_indices(); !done) return done;
  if (!version_indices_.empty())
    if (auto done = read_versions(); !done) return done;
  if (auto done = read_names(); !done) return done;
  symbols_read_ = true;
  return Done{};
}

Status SymbolTable::keep_relocated(std::vector<SymbolReference>& symbols) const {
  auto tables = elf_.state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  std::uint64_t at[2] = {};    // DT_RELA and DT_JMPREL: address
  std::uint64_t size[2] = {};  // bytes
  std::uint64_t without_symbol = 0;
  for (const Elf64_Dyn& entry : (*tables)->entries) switch (entry.d_tag) {
      case DT_RELA:
        at[0] = entry.d_un.d_ptr;
        break;
      case DT_RELASZ:
        size[0] = entry.d_un.d_val;
        break;
      case DT_RELACOUNT:
        without_symbol = entry.d_un.d_val;
        break;
      case DT_JMPREL:
        at[1] = entry.d_un.d_ptr;
        break;
      case DT_PLTRELSZ:
        size[1] = entry.d_un.d_val;
        break;
      case DT_REL:
        return Done{};  // of no 64-bit machine that we know
      default:
        break;
    }
  if (size[0] == 0 && size[1] == 0) return Done{};
  std::unordered_set<std::uint64_t> named;
  std::vector<Elf64_Rela> piece;
  for (int table = 0; table < 2; ++table) {
    const std::uint64_t count = size[table] / sizeof(Elf64_Rela);
    if (count == 0) continue;
    if (count > kMaxRelocations) return elf_.state_->limit(std::to_string(count) + " relocations");
    auto offset = elf_.state_->file_offset(at[table], size[table]);
    if (!offset) return std::move(offset).error().context("relocations");
    // The first of DT_RELA are relative ones.
    for (std::uint64_t first = table == 0 ? std::min(without_symbol, count) : 0; first < count;
         first += kPiece) {
      auto done = read_into(elf_.source(), *offset + first * sizeof(Elf64_Rela),
                            std::min(kPiece, count - first), piece, "relocations");
      if (!done) return done;
      for (const Elf64_Rela& one : piece) named.insert(ELF64_R_SYM(one.r_info));
    }
  }
  std::erase_if(symbols, [&](const SymbolReference& one) { return !named.contains(one.index); });
  return Done{};
}

}  // namespace gpuinit::elf
