// What a SymbolTable will read one by one, off a slow disk all at once.
#include <algorithm>

#include "elf/elf_state.h"
#include "elf/symbol_table.h"

namespace gpuinit::elf {

namespace {

constexpr std::uint64_t kUsualName = 256;  // bytes; where one is longer the disk is waited for

}  // namespace

// The first symbol whose hash fits; nullopt: none.
std::optional<std::uint64_t> SymbolTable::first_with(std::uint32_t hash) const {
  const std::uint64_t word = bloom_[(hash / 64) % bloom_.size()];
  if (((word >> (hash % 64)) & (word >> ((hash >> bloom_shift_) % 64)) & 1) == 0)
    return std::nullopt;
  const std::uint32_t bucket = buckets_[hash % buckets_.size()];
  if (bucket < first_symbol_) return std::nullopt;
  for (std::uint64_t at = bucket - first_symbol_; at < chains_.size(); ++at) {
    if ((chains_[at] | 1U) == (hash | 1U)) return first_symbol_ + at;
    if ((chains_[at] & 1U) != 0) break;
  }
  return std::nullopt;
}

void SymbolTable::fetch(const std::vector<SymbolReference>& symbols) {
  const auto tables = elf_.state_->dynamic_tables();
  if (!tables || !(*tables)->symbols || !(*tables)->gnu_hash ||
      (*tables)->strings_size <= kLargeNames || symbols_read_)
    return;
  const base::ByteSource& source = elf_.source();
  if (!hash_read_ && source.is_at_hand(*(*tables)->gnu_hash)) return;
  if (!read_hash() || bloom_.empty() || buckets_.empty()) return;
  std::vector<std::uint64_t> offsets;
  for (const SymbolReference& symbol : symbols)
    if (const auto index = first_with(symbol.gnu_hash); index && !seen_.contains(*index))
      offsets.push_back(*(*tables)->symbols + *index * sizeof(Elf64_Sym));
  if (offsets.empty() || source.is_at_hand(offsets.front())) return;
  offsets.resize(std::min<std::size_t>(offsets.size(), kSingleLooks));
  for (const std::uint64_t at : offsets) source.will_need(at, sizeof(Elf64_Sym));
  for (const std::uint64_t at : offsets)
    if (const auto symbol = source.read_struct<Elf64_Sym>(at))
      source.will_need((*tables)->strings + symbol->st_name, kUsualName);
}

}  // namespace gpuinit::elf
