// The look-up; the tables are read in symbol_table_read.cpp.
#include "elf/symbol_table.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/checked.h"
#include "elf/elf_state.h"

namespace gpuinit::elf {

namespace {

// Upper limits; those of whole tables are in symbol_table_read.cpp.
constexpr std::size_t kMaxName = 64ULL * 1024;  // bytes; mangled names are long
constexpr std::uint64_t kMaxChain = 4096;       // symbols in one hash bucket
constexpr std::uint64_t kMaxReferences = 500'000;
constexpr std::uint64_t kPage = 4096;  // bytes

constexpr Elf64_Half kHidden = 0x8000;
constexpr Elf64_Half kIndexMask = 0x7fff;

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

std::string_view SymbolTable::name_of(const Elf64_Sym& symbol) const {
  if (symbol.st_name >= names_size_) return {};
  const std::string_view rest(names_.get() + symbol.st_name,
                              std::min<std::uint64_t>(names_size_ - symbol.st_name, kMaxName));
  const auto end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

// In the order in which their names lie in the file.
void SymbolTable::sort_by_name(std::vector<std::size_t>& symbols) const {
  std::vector<std::uint64_t> places;
  for (const std::size_t index : symbols)
    places.push_back(std::uint64_t{head_->symbols[index].st_name} << 32 | index);
  std::sort(places.begin(), places.end());
  symbols.assign(places.begin(), places.end());
  for (std::size_t& index : symbols) index &= UINT32_MAX;
}

// Where the names are not in memory, two letters of each are read, page by page.
Status SymbolTable::drop_mangled(std::vector<std::size_t>& asked) const {
  const DynamicTables& from = **elf_.state_->dynamic_tables();
  if (names_size_ == 0) sort_by_name(asked);
  std::array<char, kPage> page;
  const char* text = names_size_ == 0 ? page.data() : names_.get();
  std::uint64_t begin = 0, end = names_size_;  // what of the names is in `text`
  std::vector<std::size_t> kept;
  for (const std::size_t index : asked) {
    const std::uint64_t at = head_->symbols[index].st_name;
    if (at + 2 > end && names_size_ == 0 && at < from.strings_size) {
      begin = at;
      end = std::min(at + kPage, from.strings_size);
      const auto into = std::as_writable_bytes(std::span(page).first(end - begin));
      if (auto done = elf_.source().read_at(from.strings + at, into); !done) return done;
    }
    if (at + 2 > end || text[at - begin] != '_' || text[at - begin + 1] != 'Z')
      kept.push_back(index);
  }
  std::sort(kept.begin(), kept.end());
  asked = std::move(kept);
  return Done{};
}

Result<std::vector<SymbolReference>> SymbolTable::undefined(const Wanted& wanted_name,
                                                            const Wanted& wanted_version,
                                                            Names names) {
  std::vector<SymbolReference> found;
  auto tables = elf_.state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  if (!(*tables)->symbols) return found;
  if (auto done = read_versions(); !done) return std::move(done).error();
  // The last is of files without versions.
  std::vector<char> version_wanted(versions_.size() + 1,
                                   !wanted_version || wanted_version("") ? 1 : 0);
  if (wanted_version)
    for (std::size_t i = 0; i < versions_.size(); ++i)
      version_wanted[i] = wanted_version(versions_[i]) ? 1 : 0;
  if (std::find(version_wanted.begin(), version_wanted.end(), 1) == version_wanted.end())
    return found;
  if (auto done = read_head(); !done) return std::move(done).error();
  const Head& head = *head_;
  const auto version_at = [&](std::size_t index) {
    if (head.versions.empty()) return versions_.size();
    return std::min<std::size_t>(head.versions[index] & kIndexMask, versions_.size());
  };
  std::vector<std::size_t> asked;
  for (std::size_t index = 0; index < head.symbols.size(); ++index) {
    const Elf64_Sym& symbol = head.symbols[index];
    if (symbol.st_shndx == SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL &&
        version_wanted[version_at(index)] != 0)
      asked.push_back(index);
  }
  if (names == Names::kUnmangled)
    if (auto done = drop_mangled(asked); !done) return std::move(done).error();
  // Names lie anywhere in the string table, and a read of one costs as much as a page of them.
  if ((*tables)->strings_size <= std::min(kLargeNames, asked.size() * kPage))
    if (auto done = read_names(); !done) return std::move(done).error();
  if (names_size_ == 0) {
    // In the order in which they lie: a fifth of the reads.
    std::vector<std::size_t> places = asked;
    sort_by_name(places);
    for (const std::size_t index : places)
      if (auto name = name_at(index); !name) return std::move(name).error();
  }
  for (const std::size_t index : asked) {
    auto name = name_at(index);
    if (!name) return std::move(name).error();
    if (name->empty() || (wanted_name && !wanted_name(*name))) continue;
    if (found.size() >= kMaxReferences) return elf_.state_->limit("too many undefined symbols");
    const std::size_t version = version_at(index);
    found.push_back({*name, version < versions_.size() ? std::string_view(versions_[version]) : "",
                     gnu_hash_of(*name), index});
  }
  return found;
}

// Of a symbol of the head.
Result<std::string_view> SymbolTable::name_at(std::uint64_t index) {
  const Elf64_Sym& symbol = head_->symbols[index];
  if (names_size_ != 0) return name_of(symbol);
  if (const auto known = names_by_index_.find(index); known != names_by_index_.end())
    return std::string_view(known->second);
  auto name = elf_.state_->string_at(**elf_.state_->dynamic_tables(), symbol.st_name);
  if (!name) return std::move(name).error();
  if (auto done = charge(name->size()); !done) return std::move(done).error();
  return std::string_view(names_by_index_.emplace(index, std::move(name).value()).first->second);
}

void SymbolTable::match(std::uint64_t index, const SymbolReference& wanted, Match& so_far) const {
  if (index >= symbols_.size()) return;
  const Elf64_Sym& symbol = symbols_[index];
  if (!is_definition(symbol) ||
      !base::range_inside(symbol.st_name, wanted.name.size() + 1, names_size_))
    return;
  const std::string_view name(names_.get() + symbol.st_name, wanted.name.size() + 1);
  if (name.back() != '\0' || name.substr(0, wanted.name.size()) != wanted.name) return;
  match_version(version_of(index), wanted, so_far);
}

// What DT_VERSYM says of a symbol of the hash table; nullopt: there is none.
std::optional<Elf64_Half> SymbolTable::version_of(std::uint64_t index) const {
  if (index >= version_indices_.size()) return std::nullopt;
  return version_indices_[index];
}

// `version`: what DT_VERSYM says of a definition with the right name.
void SymbolTable::match_version(std::optional<Elf64_Half> version, const SymbolReference& wanted,
                                Match& so_far) const {
  if (!version) {
    so_far.found = true;
    return;
  }
  const std::size_t index = *version & kIndexMask;
  if (!wanted.version.empty()) {
    // The version itself, or a definition that has none and is not hidden.
    const auto defined =
        index < versions_.size() ? std::string_view(versions_[index]) : std::string_view();
    so_far.found = defined == wanted.version || (defined.empty() && (*version & kHidden) == 0);
  } else if (index < 3) {
    so_far.found = true;  // no version, or the oldest
  } else if ((*version & kHidden) == 0) {
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
      if (auto done = look_at(first_symbol_ + at, symbol, so_far); !done) return done;
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

// As match(), with two small reads instead of the whole tables.
Status SymbolTable::match_by_reading(std::uint64_t index, const SymbolReference& wanted,
                                     Match& so_far) {
  if (auto done = read_versions(); !done) return done;
  const DynamicTables& from = **elf_.state_->dynamic_tables();
  if (auto done = read_version_indices(); !done) return done;
  const base::ByteSource& source = elf_.source();
  auto symbol = source.read_struct<Elf64_Sym>(*from.symbols + index * sizeof(Elf64_Sym));
  if (!symbol) return std::move(symbol).error().context("DT_SYMTAB");
  const std::uint64_t length = wanted.name.size() + 1;
  if (!is_definition(*symbol) || !base::range_inside(symbol->st_name, length, from.strings_size))
    return Done{};
  auto name = source.read_text(from.strings + symbol->st_name, length);
  if (!name) return std::move(name).error();
  if (name->back() != '\0' || name->compare(0, length - 1, wanted.name) != 0) return Done{};
  name->pop_back();
  if (auto done = charge(name->size()); !done) return done;
  seen_.emplace(index, std::move(name).value());
  match_version(version_of(index), wanted, so_far);
  return Done{};
}

// A definition in the file with the hash of the name.
Status SymbolTable::look_at(std::uint64_t index, const SymbolReference& symbol, Match& so_far) {
  if (const auto seen = seen_.find(index); seen != seen_.end() && seen->second == symbol.name) {
    match_version(version_of(index), symbol, so_far);
    return Done{};
  }
  const bool large = (*elf_.state_->dynamic_tables())->strings_size > kLargeNames;
  if (!symbols_read_ && large && single_looks_left_ > 0) {
    --single_looks_left_;
    return match_by_reading(index, symbol, so_far);
  }
  if (auto done = read_symbols(); !done) return done;
  match(index, symbol, so_far);
  return Done{};
}

Result<bool> SymbolTable::defines(const SymbolReference& symbol) {
  // A few questions to a large file without versions: libcusparseLt is asked for 16 names, and has
  // 700 KB of hash table and version indices.
  if (!hash_read_ && few_looks_left_ > 0 && symbol.version.empty()) {
    --few_looks_left_;
    const auto tables = elf_.state_->dynamic_tables();
    if (tables && (*tables)->strings_size > kLargeNames && !(*tables)->version_definitions) {
      auto found = elf_.find_defined(symbol.name);
      if (!found) return std::move(found).error();
      return found->has_value();
    }
  }
  if (auto done = read_hash(); !done) return std::move(done).error();
  if (buckets_.empty() || symbol.name.empty()) return false;
  Match so_far;
  auto done = bloom_.empty() ? walk_sysv_hash(symbol, so_far) : walk_gnu_hash(symbol, so_far);
  if (!done) return std::move(done).error();
  return so_far.found || so_far.only_by_version == 1;
}

}  // namespace gpuinit::elf
