#include "binary/symbol_table.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "base/checked.h"
#include "binary/elf_state.h"
#include "binary/symbol_hash.h"

namespace gpuinit::binary {

namespace {

// Upper limits. The largest seen: 90,000 symbols and 7 MB of names in libtorch_cuda.
constexpr std::uint64_t kMaxSymbols = 2'000'000;
constexpr std::uint64_t kMaxNames = 128 * 1024 * 1024;  // bytes
constexpr std::size_t kMaxName = 64 * 1024;             // bytes; mangled names are long
constexpr std::uint64_t kMaxChain = 4096;               // symbols in one hash bucket
constexpr std::uint64_t kMaxReferences = 500'000;

constexpr Elf64_Half kHidden = 0x8000;
constexpr Elf64_Half kIndexMask = 0x7fff;

template <class T>
Status read_into(const base::ByteSource& source, std::uint64_t offset, std::uint64_t count,
                 std::vector<T>& into, const char* what) {
  if (!base::range_inside(offset, count * sizeof(T), source.size()))
    return Error{source.name() + ": " + what + " runs out of the file"};
  into.resize(count);
  auto done = source.read_at(offset, std::as_writable_bytes(std::span(into)));
  if (!done) return std::move(done).error().context(what);
  return Done{};
}

// What the loader takes for a definition at all.
bool is_definition(const Elf64_Sym& symbol) {
  const auto type = ELF64_ST_TYPE(symbol.st_info);
  const auto bind = ELF64_ST_BIND(symbol.st_info);
  const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  if (symbol.st_shndx == SHN_UNDEF) return false;
  if (symbol.st_value == 0 && symbol.st_shndx != SHN_ABS && type != STT_TLS) return false;
  if (type > STT_FUNC && type != STT_COMMON && type != STT_TLS && type != STT_GNU_IFUNC)
    return false;
  if (bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE) return false;
  return visibility != STV_HIDDEN && visibility != STV_INTERNAL;
}

}  // namespace

Status SymbolTable::charge(std::uint64_t bytes) {
  if (bytes > *budget_)
    return Error{elf_.source().name() + ": symbol tables of " + std::to_string(bytes) +
                     " bytes are too large",
                 EOVERFLOW};
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
    return elf_.state_->broken(std::to_string(*symbols) + " dynamic symbols");
  return count_ = *symbols;
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
    // Without the head of a chain there is none, and nothing that says how many they are.
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
  if (from.strings_size > kMaxNames)
    return elf_.state_->broken("symbol names of " + std::to_string(from.strings_size) + " bytes");
  if (auto done = charge(*symbols * (sizeof(Elf64_Sym) + sizeof(Elf64_Half)) + from.strings_size);
      !done)
    return done;
  if (auto done = read_into(source, *from.symbols, *symbols, symbols_, "DT_SYMTAB"); !done)
    return done;
  if (from.version_indices) {
    if (auto done =
            read_into(source, *from.version_indices, *symbols, version_indices_, "DT_VERSYM");
        !done)
      return done;
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
  }
  names_ = std::make_unique_for_overwrite<char[]>(from.strings_size);
  names_size_ = from.strings_size;
  auto done =
      source.read_at(from.strings, std::as_writable_bytes(std::span(names_.get(), names_size_)));
  if (!done) return std::move(done).error().context("symbol names");
  symbols_read_ = true;
  return Done{};
}

std::string_view SymbolTable::name_of(const Elf64_Sym& symbol) const {
  if (symbol.st_name >= names_size_) return {};
  const std::string_view rest(names_.get() + symbol.st_name,
                              std::min<std::uint64_t>(names_size_ - symbol.st_name, kMaxName));
  const auto end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

std::string_view SymbolTable::version_at(std::uint64_t index) const {
  if (index >= version_indices_.size()) return {};
  const std::size_t version = version_indices_[index] & kIndexMask;
  return version < versions_.size() ? std::string_view(versions_[version]) : std::string_view();
}

Result<std::vector<SymbolReference>> SymbolTable::undefined(
    const std::function<bool(std::string_view)>& wanted) {
  if (auto done = read_symbols(); !done) return std::move(done).error();
  std::vector<SymbolReference> found;
  for (std::size_t index = 0; index < symbols_.size(); ++index) {
    const Elf64_Sym& symbol = symbols_[index];
    if (symbol.st_shndx != SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL) continue;
    const std::string_view name = name_of(symbol);
    if (name.empty() || !wanted(name)) continue;
    if (found.size() >= kMaxReferences) return elf_.state_->broken("too many undefined symbols");
    found.push_back({name, version_at(index), gnu_hash_of(name)});
  }
  return found;
}

void SymbolTable::match(std::uint64_t index, const SymbolReference& wanted, Match& so_far) const {
  if (index >= symbols_.size()) return;
  const Elf64_Sym& symbol = symbols_[index];
  if (!is_definition(symbol) ||
      !base::range_inside(symbol.st_name, wanted.name.size() + 1, names_size_))
    return;
  const std::string_view name(names_.get() + symbol.st_name, wanted.name.size() + 1);
  if (name.back() != '\0' || name.substr(0, wanted.name.size()) != wanted.name) return;
  if (version_indices_.empty()) {
    so_far.found = true;
    return;
  }
  const Elf64_Half version = version_indices_[index];
  if (!wanted.version.empty()) {
    // The version itself, or a definition that has none and is not hidden.
    const std::string_view defined = version_at(index);
    so_far.found = defined == wanted.version || (defined.empty() && (version & kHidden) == 0);
  } else if ((version & kIndexMask) < 3) {
    so_far.found = true;  // no version, or the oldest
  } else if ((version & kHidden) == 0) {
    ++so_far.only_by_version;
  }
}

Status SymbolTable::walk_gnu_hash(const SymbolReference& symbol, Match& so_far) {
  const std::uint32_t hash = symbol.gnu_hash;
  const std::uint64_t word = bloom_[(hash / 64) % bloom_.size()];
  if (((word >> (hash % 64)) & (word >> ((hash >> bloom_shift_) % 64)) & 1) == 0) return Done{};
  const std::uint32_t bucket = buckets_[hash % buckets_.size()];
  if (bucket == 0) return Done{};
  if (bucket < first_symbol_)
    return elf_.state_->broken("DT_GNU_HASH has a bucket below its first symbol");
  for (std::uint64_t at = bucket - first_symbol_; at < chains_.size(); ++at) {
    if ((chains_[at] | 1U) == (hash | 1U)) {
      if (auto done = read_symbols(); !done) return done;
      match(first_symbol_ + at, symbol, so_far);
      if (so_far.found) return Done{};
    }
    if ((chains_[at] & 1U) != 0) return Done{};
    if (at - (bucket - first_symbol_) > kMaxChain) break;
  }
  return elf_.state_->broken("DT_GNU_HASH has a chain without end");
}

Status SymbolTable::walk_sysv_hash(const SymbolReference& symbol, Match& so_far) {
  std::uint32_t index = buckets_[sysv_hash_of(symbol.name) % buckets_.size()];
  for (std::uint64_t step = 0; index != STN_UNDEF; ++step) {
    if (step > kMaxChain) return elf_.state_->broken("DT_HASH has a chain without end");
    if (index >= chains_.size())
      return elf_.state_->broken("DT_HASH names a symbol that it does not have");
    if (auto done = read_symbols(); !done) return done;
    match(index, symbol, so_far);
    if (so_far.found) return Done{};
    index = chains_[index];
  }
  return Done{};
}

Result<bool> SymbolTable::defines(const SymbolReference& symbol) {
  if (auto done = read_hash(); !done) return std::move(done).error();
  if (buckets_.empty() || symbol.name.empty()) return false;
  Match so_far;
  auto done = bloom_.empty() ? walk_sysv_hash(symbol, so_far) : walk_gnu_hash(symbol, so_far);
  if (!done) return std::move(done).error();
  return so_far.found || so_far.only_by_version == 1;
}

}  // namespace gpuinit::binary
