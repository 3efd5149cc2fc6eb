// Small ELF64 files written as data: tests say what a library is called, needs
// and exports, and get bytes that our reader, readelf and the kernel understand.
//
//   tree.file("lib/libc10.so", ElfBuilder().soname("libc10.so").needs("libm.so.6")
//                                  .runpath("$ORIGIN").defines("c10_init").build());
//
// There is no code inside. Everything lies in one PT_LOAD at kBase + offset.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/elf_version_tables.h"

namespace gpuinit::test {

class ElfBuilder {
 public:
  static constexpr std::uint64_t kBase = 0x400000;

  ElfBuilder& machine(std::uint16_t e_machine) { return machine_ = e_machine, *this; }
  ElfBuilder& type(std::uint16_t e_type) { return type_ = e_type, *this; }  // ET_DYN
  ElfBuilder& elf32() { return class_ = ELFCLASS32, *this; }  // only says so in its first bytes

  ElfBuilder& interpreter(std::string_view path) { return interpreter_ = path, *this; }
  ElfBuilder& soname(std::string_view name) { return text(DT_SONAME, name); }
  ElfBuilder& rpath(std::string_view paths) { return text(DT_RPATH, paths); }
  ElfBuilder& runpath(std::string_view paths) { return text(DT_RUNPATH, paths); }
  ElfBuilder& needs(std::string_view soname) { return text(DT_NEEDED, soname); }
  ElfBuilder& needs(std::initializer_list<std::string_view> sonames) {
    for (auto name : sonames) needs(name);
    return *this;
  }

  // Of PT_GNU_STACK, which every linker writes; PF_X is `-z execstack`. 0: the file has none.
  ElfBuilder& stack(std::uint32_t flags) { return stack_ = flags, *this; }
  ElfBuilder& executable_stack() { return stack(PF_R | PF_W | PF_X); }

  ElfBuilder& flags_1(std::uint64_t flags) { return flags_1_ = flags, *this; }  // DF_1_…

  // A global function; a file with any symbol gets DT_GNU_HASH.
  ElfBuilder& defines(std::string_view name, std::uint64_t address = kBase,
                      std::uint64_t size = 0) {
    defined_.push_back({std::string(name), address, size, STB_GLOBAL});
    return *this;
  }
  // The version of the symbol that was defined last; `hidden` as `name@version` of gas, else
  // `name@@version`.
  ElfBuilder& in_version(std::string_view version, bool hidden = false) {
    defined_.back().version = version;
    defined_.back().hidden = hidden;
    return *this;
  }
  ElfBuilder& from_version(std::string_view version) {  // … and of the one wanted last
    return undefined_.back().version = version, *this;
  }
  ElfBuilder& wants(std::string_view name, bool weak = false) {
    constexpr unsigned char kWeak = STB_WEAK, kGlobal = STB_GLOBAL;
    undefined_.push_back({std::string(name), 0, 0, weak ? kWeak : kGlobal});
    return *this;
  }
  // The file's own name stands in front of the first version.
  ElfBuilder& defines_version(std::string_view version) {
    if (versions_.definitions.empty()) versions_.definitions.emplace_back("base");
    return versions_.definitions.emplace_back(version), *this;
  }
  ElfBuilder& needs_version(std::string_view file, std::string_view version, bool weak = false) {
    if (versions_.needs.empty() || versions_.needs.back().file != file)
      versions_.needs.push_back({std::string(file), {}});
    return versions_.needs.back().versions.emplace_back(version, weak), *this;
  }
  ElfBuilder& sysv_hash(bool also_gnu = false) {
    return sysv_hash_ = true, gnu_hash_ = also_gnu, *this;
  }

  ElfBuilder& section(std::string_view name, std::string_view bytes) {
    sections_.push_back({std::string(name), std::string(bytes), SHT_PROGBITS});
    return *this;
  }
  // In a section and, because loaders look there, in a PT_NOTE segment.
  ElfBuilder& note(std::string_view section_name, std::string_view owner, std::string_view bytes,
                   std::uint32_t note_type = 1) {
    std::string note;
    append(note, Elf64_Nhdr{static_cast<Elf64_Word>(owner.size() + 1),
                            static_cast<Elf64_Word>(bytes.size()), note_type});
    note.append(owner).append(1, '\0');
    note.resize((note.size() + 3) / 4 * 4);
    note.append(bytes);
    note.resize((note.size() + 3) / 4 * 4);
    sections_.push_back({std::string(section_name), std::move(note), SHT_NOTE});
    return *this;
  }
  // GNU_PROPERTY_X86_ISA_1_NEEDED with the bits of all levels up to x86-64-v<level>, behind the
  // property of CET that compilers write.
  ElfBuilder& cpu_level(int level) {
    std::string properties;
    for (const std::uint32_t word :
         {0xc0000002U, 4U, 3U, 0U, 0xc0008002U, 4U, (1U << level) - 1, 0U})
      append(properties, word);
    return note(kProperties, "GNU", properties, NT_GNU_PROPERTY_TYPE_0);
  }
  ElfBuilder& without_section_headers() { return section_headers_ = false, *this; }

  std::string build() const;

 private:
  static constexpr std::string_view kProperties = ".note.gnu.property";  // aligned to 8
  struct Name {
    std::string name;
    std::uint64_t address;
    std::uint64_t size;
    unsigned char bind;
    std::string version = {};
    bool hidden = false;
  };
  struct Part {
    std::string name;
    std::string bytes;
    std::uint32_t type;
    std::uint64_t offset = 0;
    std::uint64_t entry_size = 0;
    std::uint32_t link = 0;
  };

  template <class T>
  static void append(std::string& bytes, const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  // Returns the offset at which `bytes` now lie.
  static std::uint64_t place(std::string& file, std::string_view bytes) {
    file.resize((file.size() + 15) / 16 * 16);
    const std::uint64_t at = file.size();
    file.append(bytes);
    return at;
  }
  ElfBuilder& text(Elf64_Sxword tag, std::string_view value) {
    texts_.emplace_back(tag, value);
    return *this;
  }
  static std::uint32_t gnu_hash_of(std::string_view name) {
    std::uint32_t hash = 5381;
    for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
    return hash;
  }
  static std::uint32_t sysv_hash_of(std::string_view name) {
    std::uint32_t hash = 0;
    for (const char c : name) {
      hash = (hash << 4) + static_cast<unsigned char>(c);
      const std::uint32_t high = hash & 0xf0000000U;
      if (high != 0) hash ^= high >> 24;
      hash &= ~high;
    }
    return hash;
  }
  static std::string gnu_hash_table(const std::vector<Name>& symbols, std::uint32_t first,
                                    std::uint32_t buckets);
  static std::string sysv_hash_table(const std::vector<Name>& symbols);

  std::uint16_t machine_ = EM_X86_64;
  std::uint16_t type_ = ET_DYN;
  unsigned char class_ = ELFCLASS64;
  std::string interpreter_;
  std::vector<std::pair<Elf64_Sxword, std::string>> texts_;
  std::uint64_t flags_1_ = 0;
  std::uint32_t stack_ = PF_R | PF_W;
  VersionTables versions_;
  std::vector<Name> defined_;
  std::vector<Name> undefined_;
  bool gnu_hash_ = true;
  bool sysv_hash_ = false;
  bool section_headers_ = true;
  std::vector<Part> sections_;
};

// Symbol 0 is not among `symbols`: symbols[i] has index i + 1.
inline std::string ElfBuilder::gnu_hash_table(const std::vector<Name>& symbols, std::uint32_t first,
                                              std::uint32_t buckets) {
  constexpr std::uint32_t kBloomShift = 6;
  std::uint32_t words = 1;
  while (words * 8 < symbols.size()) words *= 2;
  std::vector<std::uint64_t> bloom(words);
  std::vector<std::uint32_t> bucket(buckets), chain;
  for (std::uint32_t index = first; index <= symbols.size(); ++index) {
    const std::uint32_t hash = gnu_hash_of(symbols[index - 1].name);
    bloom[hash / 64 % words] |= std::uint64_t{1} << (hash % 64);
    bloom[hash / 64 % words] |= std::uint64_t{1} << ((hash >> kBloomShift) % 64);
    if (bucket[hash % buckets] == 0) bucket[hash % buckets] = index;
    const bool last =
        index == symbols.size() || gnu_hash_of(symbols[index].name) % buckets != hash % buckets;
    chain.push_back(last ? hash | 1U : hash & ~1U);
  }
  std::string table;
  append(table, buckets);
  append(table, chain.empty() ? 1U : first);  // as binutils does for an empty table
  append(table, words);
  append(table, kBloomShift);
  for (auto word : bloom) append(table, word);
  for (auto word : bucket) append(table, word);
  for (auto word : chain) append(table, word);
  return table;
}

inline std::string ElfBuilder::sysv_hash_table(const std::vector<Name>& symbols) {
  const auto buckets = static_cast<std::uint32_t>(symbols.size() / 2 + 1);
  const auto count = static_cast<std::uint32_t>(symbols.size() + 1);
  std::vector<std::uint32_t> bucket(buckets), chain(count);
  for (std::uint32_t index = 1; index < count; ++index) {
    std::uint32_t& head = bucket[sysv_hash_of(symbols[index - 1].name) % buckets];
    chain[index] = head;
    head = index;
  }
  std::string table;
  append(table, buckets);
  append(table, count);
  for (auto word : bucket) append(table, word);
  for (auto word : chain) append(table, word);
  return table;
}

inline std::string ElfBuilder::build() const {
  // What is not dynamic at all (a static program) has none of the tables.
  const bool dynamic =
      !texts_.empty() || !defined_.empty() || !undefined_.empty() || !versions_.empty();
  std::string names(1, '\0');
  const auto intern = [&names](std::string_view name) {
    const std::size_t at = names.size();
    names.append(name).append(1, '\0');
    return at;
  };

  // Undefined symbols first, then the defined ones by hash bucket.
  const auto buckets = static_cast<std::uint32_t>(defined_.size() / 2 + 1);
  std::vector<Name> symbols = undefined_;
  for (std::uint32_t bucket = 0; bucket < buckets; ++bucket)
    for (const Name& name : defined_)
      if (gnu_hash_of(name.name) % buckets == bucket) symbols.push_back(name);
  std::string symbol_table(sizeof(Elf64_Sym), '\0');
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<Elf64_Word>(intern(symbols[i].name));
    symbol.st_info = static_cast<unsigned char>(symbols[i].bind << 4 | STT_FUNC);
    symbol.st_shndx = i < undefined_.size() ? SHN_UNDEF : SHN_ABS;
    symbol.st_value = symbols[i].address;
    symbol.st_size = symbols[i].size;
    append(symbol_table, symbol);
  }
  const std::string verdef = versions_.verdef(intern);
  const std::string verneed = versions_.verneed(intern);
  std::string version_indices(sizeof(Elf64_Half), '\0');
  for (const Name& symbol : symbols) {
    const auto index =
        symbol.version.empty() ? std::uint16_t{VER_NDX_GLOBAL} : versions_.index_of(symbol.version);
    append(version_indices, static_cast<Elf64_Half>(index | (symbol.hidden ? 0x8000 : 0)));
  }
  std::vector<Elf64_Dyn> entries;
  const auto add = [&entries](Elf64_Sxword tag, std::uint64_t value) {
    Elf64_Dyn entry{};
    entry.d_tag = tag;
    entry.d_un.d_val = value;
    entries.push_back(entry);
  };
  for (const auto& [tag, value] : texts_) add(tag, intern(value));
  if (flags_1_ != 0) add(DT_FLAGS_1, flags_1_);

  std::vector<Part> parts = sections_;
  std::size_t note_count = 0;
  for (const Part& part : parts) note_count += part.type == SHT_NOTE ? 1 : 0;
  const std::size_t segment_count =
      1 + note_count + (dynamic ? 1 : 0) + (interpreter_.empty() ? 0 : 1) + (stack_ != 0 ? 1 : 0);

  std::string file(sizeof(Elf64_Ehdr) + segment_count * sizeof(Elf64_Phdr), '\0');
  std::vector<Elf64_Phdr> segments;
  const auto segment = [&segments](std::uint32_t kind, std::uint64_t at, std::uint64_t size) {
    Elf64_Phdr header{};
    header.p_type = kind;
    header.p_flags = PF_R;
    header.p_offset = at;
    header.p_vaddr = header.p_paddr = kBase + at;
    header.p_filesz = header.p_memsz = size;
    header.p_align = kind == PT_LOAD ? 0x1000 : 4;
    segments.push_back(header);
  };
  if (!interpreter_.empty())
    segment(PT_INTERP, place(file, interpreter_ + '\0'), interpreter_.size() + 1);
  for (Part& part : parts) {
    part.offset = place(file, part.bytes);
    if (part.type == SHT_NOTE) segment(PT_NOTE, part.offset, part.bytes.size());
    if (part.name == kProperties) segments.back().p_align = 8;
  }
  if (dynamic) {
    const auto part = [&](const char* name, std::string bytes, std::uint32_t kind,
                          Elf64_Sxword tag) {
      Part made{name, std::move(bytes), kind};
      made.offset = place(file, made.bytes);
      if (tag != DT_NULL) add(tag, kBase + made.offset);
      parts.push_back(std::move(made));
    };
    part(".dynstr", names, SHT_STRTAB, DT_STRTAB);
    add(DT_STRSZ, names.size());
    const auto dynstr = static_cast<std::uint32_t>(parts.size());  // index of the section
    part(".dynsym", symbol_table, SHT_DYNSYM, DT_SYMTAB);
    parts.back().entry_size = sizeof(Elf64_Sym);
    parts.back().link = dynstr;
    add(DT_SYMENT, sizeof(Elf64_Sym));
    if (gnu_hash_) {
      const auto first = static_cast<std::uint32_t>(undefined_.size() + 1);
      part(".gnu.hash", gnu_hash_table(symbols, first, buckets), SHT_GNU_HASH, DT_GNU_HASH);
      parts.back().link = dynstr + 1;
    }
    if (sysv_hash_) {
      part(".hash", sysv_hash_table(symbols), SHT_HASH, DT_HASH);
      parts.back().link = dynstr + 1;
    }
    if (!verdef.empty()) {
      part(".gnu.version_d", verdef, SHT_GNU_verdef, DT_VERDEF);
      parts.back().link = dynstr;
      add(DT_VERDEFNUM, versions_.definitions.size());
    }
    if (!verneed.empty()) {
      part(".gnu.version_r", verneed, SHT_GNU_verneed, DT_VERNEED);
      parts.back().link = dynstr;
      add(DT_VERNEEDNUM, versions_.needs.size());
    }
    if (!versions_.empty()) {
      part(".gnu.version", version_indices, SHT_GNU_versym, DT_VERSYM);
      parts.back().link = dynstr + 1;
      parts.back().entry_size = sizeof(Elf64_Half);
    }
    add(DT_NULL, 0);
    std::string table;
    for (const Elf64_Dyn& entry : entries) append(table, entry);
    part(".dynamic", table, SHT_DYNAMIC, DT_NULL);
    parts.back().entry_size = sizeof(Elf64_Dyn);
    parts.back().link = dynstr;
    segment(PT_DYNAMIC, parts.back().offset, parts.back().bytes.size());
  }

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = class_;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = type_;
  header.e_machine = machine_;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<std::uint16_t>(segment_count);
  if (section_headers_) {
    std::string section_names(1, '\0');
    std::vector<Elf64_Shdr> headers(1);
    parts.push_back({".shstrtab", "", SHT_STRTAB});
    for (const Part& part : parts) {
      Elf64_Shdr one{};
      one.sh_name = static_cast<Elf64_Word>(section_names.size());
      section_names.append(part.name).append(1, '\0');
      one.sh_type = part.type;
      one.sh_flags = SHF_ALLOC;
      one.sh_addr = kBase + part.offset;
      one.sh_offset = part.offset;
      one.sh_size = part.bytes.size();
      one.sh_addralign = part.type == SHT_NOTE && part.name != kProperties ? 4 : 8;
      one.sh_info = part.type == SHT_DYNSYM ? 1 : 0;  // the first that is not local
      if (part.type == SHT_GNU_verdef)
        one.sh_info = static_cast<Elf64_Word>(versions_.definitions.size());
      if (part.type == SHT_GNU_verneed)
        one.sh_info = static_cast<Elf64_Word>(versions_.needs.size());
      one.sh_entsize = part.entry_size;
      one.sh_link = part.link;
      headers.push_back(one);
    }
    headers.back().sh_size = section_names.size();
    headers.back().sh_flags = 0;
    headers.back().sh_addr = 0;
    headers.back().sh_offset = place(file, section_names);
    std::string table;
    for (const Elf64_Shdr& one : headers) append(table, one);
    header.e_shoff = place(file, table);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<std::uint16_t>(headers.size());
    header.e_shstrndx = static_cast<std::uint16_t>(headers.size() - 1);
  }
  segment(PT_LOAD, 0, file.size());
  if (stack_ != 0) {
    segment(PT_GNU_STACK, 0, 0);
    segments.back().p_flags = stack_;
    segments.back().p_vaddr = segments.back().p_paddr = 0;
  }
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, segments.data(), segments.size() * sizeof(Elf64_Phdr));
  return file;
}

}  // namespace gpuinit::test
