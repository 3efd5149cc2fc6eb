// Symbol versions: what a file needs of others (DT_VERNEED) and what it defines (DT_VERDEF).
//
// Source: LSB Core, "Symbol Versioning"; glibc, elf/dl-version.c, which follows the chains
// of vn_next and vd_next to their end and does not look at DT_VERNEEDNUM and DT_VERDEFNUM.
#include <algorithm>

#include "base/checked.h"
#include "elf/elf_file.h"
#include "elf/elf_state.h"

namespace gpuinit::elf {

namespace {

// Upper limits. The largest seen: 13 files with 44 versions in libtorch_cuda, 60 definitions
// in libstdc++, names of 25 bytes.
constexpr std::size_t kMaxRecords = 8192;     // of one table, of both kinds together
constexpr std::size_t kMaxName = 1024;        // bytes
constexpr std::uint16_t kIndexMask = 0x7fff;  // bit 15 hides a symbol

// A walk over records that lie at offsets from each other, with the names beside them.
class Records {
 public:
  // `source` must outlive it.
  Records(const base::ByteSource& source, const DynamicTables& tables, const char* table)
      : source_(source), tables_(tables), table_(table) {}

  template <class T>
  Result<T> at(std::uint64_t offset) {
    if (++count_ > kMaxRecords)
      return limit_error(source_.name(), std::string(table_) + ": more than " +
                                             std::to_string(kMaxRecords) + " records");
    auto record = source_.read_struct<T>(offset);
    if (!record) return std::move(record).error().context(table_);
    return record;
  }

  Result<std::string> name(std::uint64_t index) {
    if (index >= tables_.strings_size)
      return broken("a name at " + std::to_string(index) + " of a string table of " +
                    std::to_string(tables_.strings_size) + " bytes");
    auto text = source_.read_c_string(
        tables_.strings + index, std::min<std::uint64_t>(kMaxName, tables_.strings_size - index));
    if (!text) return std::move(text).error().context(table_);
    return text;
  }

  Error broken(const std::string& what) const {
    return Error{source_.name() + ": " + table_ + ": " + what};
  }

 private:
  const base::ByteSource& source_;
  const DynamicTables& tables_;
  const char* table_;
  std::size_t count_ = 0;
};

}  // namespace

Result<std::vector<VersionNeed>> ElfFile::needed_versions() const {
  auto tables = state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  std::vector<VersionNeed> needs;
  if (!(*tables)->version_needs) return needs;
  Records records(state_->window, **tables, "DT_VERNEED");
  for (std::uint64_t at = *(*tables)->version_needs;;) {
    auto need = records.at<Elf64_Verneed>(at);
    if (!need) return std::move(need).error();
    if (need->vn_version != VER_NEED_CURRENT)
      return records.broken("version " + std::to_string(need->vn_version) + " of a record");
    auto file = records.name(need->vn_file);
    if (!file) return std::move(file).error();
    VersionNeed& from = needs.emplace_back();
    from.file = std::move(file).value();
    // Offsets of 32 bits onto one inside the file: no overflow before the read refuses.
    for (std::uint64_t aux_at = at + need->vn_aux;;) {
      auto aux = records.at<Elf64_Vernaux>(aux_at);
      if (!aux) return std::move(aux).error();
      auto name = records.name(aux->vna_name);
      if (!name) return std::move(name).error();
      from.versions.push_back({std::move(name).value(), (aux->vna_flags & VER_FLG_WEAK) != 0,
                               static_cast<std::uint16_t>(aux->vna_other & kIndexMask)});
      if (aux->vna_next == 0) break;
      aux_at += aux->vna_next;
    }
    if (need->vn_next == 0) return needs;
    at += need->vn_next;
  }
}

Result<std::optional<std::vector<VersionDefinition>>> ElfFile::defined_versions() const {
  auto tables = state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  if (!(*tables)->version_definitions) return std::optional<std::vector<VersionDefinition>>();
  std::vector<VersionDefinition> definitions;
  Records records(state_->window, **tables, "DT_VERDEF");
  for (std::uint64_t at = *(*tables)->version_definitions;;) {
    auto definition = records.at<Elf64_Verdef>(at);
    if (!definition) return std::move(definition).error();
    if (definition->vd_version != VER_DEF_CURRENT)
      return records.broken("version " + std::to_string(definition->vd_version) + " of a record");
    // The first of its names; the others are those of the versions that it follows.
    auto aux = records.at<Elf64_Verdaux>(at + definition->vd_aux);
    if (!aux) return std::move(aux).error();
    auto name = records.name(aux->vda_name);
    if (!name) return std::move(name).error();
    definitions.push_back({std::move(name).value(), (definition->vd_flags & VER_FLG_BASE) != 0,
                           static_cast<std::uint16_t>(definition->vd_ndx & kIndexMask)});
    if (definition->vd_next == 0) return std::optional(std::move(definitions));
    at += definition->vd_next;
  }
}

}  // namespace gpuinit::elf
