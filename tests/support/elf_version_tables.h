// The bytes of DT_VERDEF and DT_VERNEED tables, for ElfBuilder.
#pragma once

#include <elf.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpuinit::test {

struct VersionTables {
  struct Need {
    std::string file;
    std::vector<std::pair<std::string, bool>> versions;  // name, weak
  };
  std::vector<std::string> definitions;  // the first is the base: the name of the file
  std::vector<Need> needs;

  bool empty() const { return definitions.empty() && needs.empty(); }

  // Where the tables' names lie in the string table.
  using Intern = std::function<std::size_t(std::string_view)>;

  static std::uint32_t hash_of(std::string_view name) {
    std::uint32_t hash = 0;
    for (const char c : name) {
      hash = (hash << 4) + static_cast<unsigned char>(c);
      const std::uint32_t high = hash & 0xf0000000U;
      if (high != 0) hash ^= high >> 24;
      hash &= ~high;
    }
    return hash;
  }

  // In DT_VERSYM: definitions from 1 (the base) on, then the needs.
  std::uint16_t index_of(std::string_view version) const {
    std::uint16_t index = 1;
    for (const auto& name : definitions) {
      if (name == version) return index;
      ++index;
    }
    if (definitions.empty()) ++index;
    for (const Need& need : needs)
      for (const auto& [name, weak] : need.versions) {
        if (name == version) return index;
        ++index;
      }
    return VER_NDX_GLOBAL;
  }

  std::string verdef(const Intern& intern) const {
    std::string table;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      Elf64_Verdef record{};
      record.vd_version = VER_DEF_CURRENT;
      record.vd_flags = i == 0 ? VER_FLG_BASE : 0;
      record.vd_ndx = static_cast<Elf64_Half>(i + 1);
      record.vd_cnt = 1;
      record.vd_hash = hash_of(definitions[i]);
      record.vd_aux = sizeof record;
      const bool last = i + 1 == definitions.size();
      record.vd_next = last ? 0 : sizeof record + sizeof(Elf64_Verdaux);
      append(table, record);
      append(table, Elf64_Verdaux{static_cast<Elf64_Word>(intern(definitions[i])), 0});
    }
    return table;
  }

  std::string verneed(const Intern& intern) const {
    std::string table;
    for (const Need& need : needs) {
      const std::size_t count = need.versions.size();
      Elf64_Verneed record{};
      record.vn_version = VER_NEED_CURRENT;
      record.vn_cnt = static_cast<Elf64_Half>(count);
      record.vn_file = static_cast<Elf64_Word>(intern(need.file));
      record.vn_aux = sizeof record;
      record.vn_next = &need == &needs.back()
                           ? 0
                           : static_cast<Elf64_Word>(sizeof record + count * sizeof(Elf64_Vernaux));
      append(table, record);
      for (const auto& version : need.versions) {
        Elf64_Vernaux aux{};
        aux.vna_hash = hash_of(version.first);
        aux.vna_flags = version.second ? VER_FLG_WEAK : 0;
        aux.vna_other = index_of(version.first);
        aux.vna_name = static_cast<Elf64_Word>(intern(version.first));
        aux.vna_next = &version == &need.versions.back() ? 0 : sizeof aux;
        append(table, aux);
      }
    }
    return table;
  }

 private:
  template <class T>
  static void append(std::string& bytes, const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
};

}  // namespace gpuinit::test
