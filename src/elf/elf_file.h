// What an ELF64 file says about itself, read lazily through bounded reads.
//
// Source of the format: the System V gABI and <elf.h>. Works from the program
// headers and PT_DYNAMIC; section headers are needed only by `section`.
// Every count and offset in the file is untrusted: limits are at the top of
// elf_file.cpp, and a file that breaks one is an error that names the place.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/root_fs.h"
#include "gpuinit/result.h"

namespace gpuinit::elf {

struct Section {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t address = 0;  // at run time, before relocation
  bool loaded = false;        // SHF_ALLOC: it is in memory at run time
  bool writable = false;      // SHF_WRITE
  bool code = false;          // SHF_EXECINSTR
};

struct Symbol {
  std::string name;
  bool defined = false;  // has a definition here (st_shndx != SHN_UNDEF)
  bool weak = false;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

// From PT_DYNAMIC; empty where the file does not say.
struct Dynamic {
  std::string soname;
  std::string rpath;                    // DT_RPATH, unsplit, $ORIGIN not expanded
  std::string runpath;                  // DT_RUNPATH
  std::vector<std::string> needed;      // in order
  bool present = false;                 // false: no PT_DYNAMIC (static program)
  bool has_runpath = false;             // DT_RUNPATH is there, if only as ""
  bool no_default_directories = false;  // DF_1_NODEFLIB
  bool is_program = false;              // DF_1_PIE
  // PT_GNU_STACK asks for it or, on x86-64, is missing (glibc, sysdeps/*/stackinfo.h).
  bool executable_stack = false;
  // 3: it asks for a CPU of x86-64-v3. 0: it says nothing of that, as libraries for another
  // machine do. Source: x86-64 psABI, "Program Property" (GNU_PROPERTY_X86_ISA_1_NEEDED); glibc,
  // sysdeps/x86/dl-prop.h, which reads the first note of the PT_NOTE that is aligned to 8.
  int cpu_level = 0;
};

// What one DT_VERNEED entry asks of one library.
struct VersionNeed {
  struct Version {
    std::string name;         // "GLIBC_2.34"
    bool weak = false;        // VER_FLG_WEAK: may be missing
    std::uint16_t index = 0;  // in DT_VERSYM
  };
  std::string file;  // the library's name as in DT_NEEDED
  std::vector<Version> versions;
};

// One DT_VERDEF entry.
struct VersionDefinition {
  std::string name;
  bool base = false;        // VER_FLG_BASE: the name of the file itself
  std::uint16_t index = 0;  // in DT_VERSYM
};

class ElfFile {
 public:
  // Reads the ELF header and program headers. `source` must outlive the ElfFile and its copies.
  // Errors: not ELF, not 64-bit little endian, truncated, absurd counts.
  static Result<ElfFile> open(const base::ByteSource& source);
  // The same; the ElfFile and its copies keep the source, and so the descriptor, open.
  static Result<ElfFile> open(std::shared_ptr<const base::ByteSource> source);
  static Result<ElfFile> open(const base::RootFs& fs, const std::string& path);

  // "x86_64", "aarch64", otherwise "e_machine 243".
  std::string machine() const;
  bool is_shared_object_or_pie() const;

  // PT_INTERP: the loader; nullopt if it is a static program or a library.
  Result<std::optional<std::string>> interpreter() const;

  Result<Dynamic> dynamic() const;

  // DT_VERNEED in order. Empty if there is none.
  Result<std::vector<VersionNeed>> needed_versions() const;

  // DT_VERDEF in order; nullopt if the file defines no versions.
  Result<std::optional<std::vector<VersionDefinition>>> defined_versions() const;

  // Looks one name up through DT_GNU_HASH (DT_HASH as a fall-back); nullopt if
  // the file does not define it. Costs a handful of small reads.
  Result<std::optional<Symbol>> find_defined(std::string_view name) const;

  // All dynamic symbols whose name starts with one of `prefixes`, defined and
  // undefined, in the order of the table. Reads the whole table: ask for all at once.
  Result<std::vector<Symbol>> symbols_with_prefix(
      std::initializer_list<std::string_view> prefixes) const;

  // Bytes at a virtual address of a PT_LOAD segment, as far as the file holds them.
  Result<std::uint64_t> file_offset(std::uint64_t address, std::uint64_t length) const;

  // The section of that name; nullopt if there is none; an error if the file
  // has no section headers at all or they are broken.
  Result<std::optional<Section>> section(std::string_view name) const;

  // All sections that have a name and bytes in the file, in the order of their headers. One
  // that runs out of the file is left out.
  Result<std::vector<Section>> sections() const;

  // Descriptor bytes of the first note with this owner name in the section or
  // in any PT_NOTE segment; nullopt if there is none.
  Result<std::optional<std::string>> note(std::string_view section_name,
                                          std::string_view owner) const;

  const base::ByteSource& source() const;

 private:
  friend class SymbolTable;
  struct State;
  explicit ElfFile(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace gpuinit::elf
