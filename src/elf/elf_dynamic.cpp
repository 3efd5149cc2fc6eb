// PT_DYNAMIC: names and search paths.
#include <algorithm>
#include <array>
#include <bit>

#include "base/checked.h"
#include "elf/elf_file.h"
#include "elf/elf_state.h"

namespace gpuinit::elf {

namespace {

// Upper limits; together they bound what `dynamic` allocates. The largest seen in
// torch and CUDA libraries: 60 entries, a RUNPATH of 470 bytes.
constexpr std::uint64_t kMaxDynamicEntries = 1024;
constexpr std::size_t kMaxString = 16ULL * 1024;  // bytes
constexpr std::size_t kMaxProperties = 256;       // bytes of a .note.gnu.property; it has 32 to 64

// GNU_PROPERTY_X86_ISA_1_NEEDED; glibc 2.31's <elf.h> has not got it. One bit for each level.
constexpr std::uint32_t kX86IsaNeeded = 0xc0008002;
constexpr std::uint32_t kGnu = 0x00554e47;  // "GNU"

}  // namespace

Result<const DynamicTables*> ElfFile::State::dynamic_tables() const {
  if (tables) return &*tables;
  DynamicTables read;
  const auto segment = std::find_if(segments.begin(), segments.end(),
                                    [](const Elf64_Phdr& s) { return s.p_type == PT_DYNAMIC; });
  if (segment != segments.end()) {
    read.present = true;
    const std::uint64_t count = segment->p_filesz / sizeof(Elf64_Dyn);
    if (count > kMaxDynamicEntries &&
        base::range_inside(segment->p_offset, segment->p_filesz, source->size()))
      return limit(std::to_string(count) + " dynamic entries");
    if (!base::range_inside(segment->p_offset, segment->p_filesz, source->size()))
      return broken("its dynamic section runs out of the file");
    read.entries.resize(count);
    auto done = window.read_at(segment->p_offset, std::as_writable_bytes(std::span(read.entries)));
    if (!done) return std::move(done).error();
    const auto end = std::find_if(read.entries.begin(), read.entries.end(),
                                  [](const Elf64_Dyn& e) { return e.d_tag == DT_NULL; });
    read.entries.erase(end, read.entries.end());
  }

  const auto value_of = [&](Elf64_Sxword tag) -> std::optional<std::uint64_t> {
    for (const Elf64_Dyn& entry : read.entries)
      if (entry.d_tag == tag) return entry.d_un.d_val;
    return std::nullopt;
  };
  if (const auto address = value_of(DT_STRTAB)) {
    const std::uint64_t size = value_of(DT_STRSZ).value_or(0);
    auto offset = file_offset(*address, size);
    if (!offset) return std::move(offset).error().context("DT_STRTAB");
    read.strings = *offset;
    read.strings_size = size;
  }
  const auto table = [&](Elf64_Sxword tag, std::uint64_t least,
                         std::optional<std::uint64_t>& into) -> Status {
    const auto address = value_of(tag);
    if (!address) return Done{};
    auto offset = file_offset(*address, least);
    if (!offset) return std::move(offset).error();
    into = *offset;
    return Done{};
  };
  if (auto done = table(DT_SYMTAB, sizeof(Elf64_Sym), read.symbols); !done)
    return std::move(done).error().context("DT_SYMTAB");
  if (auto done = table(DT_GNU_HASH, 16, read.gnu_hash); !done)
    return std::move(done).error().context("DT_GNU_HASH");
  if (auto done = table(DT_HASH, 8, read.hash); !done)
    return std::move(done).error().context("DT_HASH");
  if (auto done = table(DT_VERNEED, sizeof(Elf64_Verneed), read.version_needs); !done)
    return std::move(done).error().context("DT_VERNEED");
  if (auto done = table(DT_VERDEF, sizeof(Elf64_Verdef), read.version_definitions); !done)
    return std::move(done).error().context("DT_VERDEF");
  if (auto done = table(DT_VERSYM, sizeof(Elf64_Half), read.version_indices); !done)
    return std::move(done).error().context("DT_VERSYM");
  tables = std::move(read);
  return &*tables;
}

Result<std::string> ElfFile::State::string_at(const DynamicTables& from,
                                              std::uint64_t index) const {
  if (index >= from.strings_size)
    return broken("a name at " + std::to_string(index) + " of a string table of " +
                  std::to_string(from.strings_size) + " bytes");
  return window.read_c_string(from.strings + index,
                              std::min<std::uint64_t>(from.strings_size - index, kMaxString));
}

// Lies behind the program headers, as a rule, in what has been read already. A note that cannot be
// followed asks for nothing.
int ElfFile::State::cpu_level() const {
  if (header.e_machine != EM_X86_64) return 0;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_NOTE || segment.p_align != 8 || segment.p_filesz > kMaxProperties)
      continue;
    std::array<std::uint32_t, kMaxProperties / 4> words{};
    if (!window.read_at(segment.p_offset,
                        std::as_writable_bytes(std::span(words)).first(segment.p_filesz)))
      return 0;
    if (words[0] != 4 || words[2] != NT_GNU_PROPERTY_TYPE_0 || words[3] != kGnu) continue;
    const std::size_t end =
        std::min<std::size_t>(segment.p_filesz, 16 + std::uint64_t{words[1]}) / 4;
    for (std::size_t at = 4; at + 2 < end; at += 2 + (std::uint64_t{words[at + 1]} + 7) / 8 * 2)
      if (words[at] == kX86IsaNeeded && words[at + 1] == 4)
        return std::bit_width(words[at + 2] & 15U);
  }
  return 0;
}

Result<Dynamic> ElfFile::dynamic() const {
  auto tables = state_->dynamic_tables();
  if (!tables) return std::move(tables).error();
  const DynamicTables& from = **tables;
  Dynamic result;
  result.present = from.present;
  const auto stack = std::ranges::find(state_->segments, PT_GNU_STACK, &Elf64_Phdr::p_type);
  result.executable_stack = stack == state_->segments.end() ? state_->header.e_machine == EM_X86_64
                                                            : (stack->p_flags & PF_X) != 0;
  result.cpu_level = state_->cpu_level();
  for (const Elf64_Dyn& entry : from.entries) {
    std::string* into = nullptr;
    switch (entry.d_tag) {
      case DT_SONAME:
        into = &result.soname;
        break;
      case DT_RPATH:
        into = &result.rpath;
        break;
      case DT_RUNPATH:
        into = &result.runpath;
        result.has_runpath = true;
        break;
      case DT_NEEDED:
        into = &result.needed.emplace_back();
        break;
      case DT_FLAGS_1:
        result.no_default_directories = (entry.d_un.d_val & DF_1_NODEFLIB) != 0;
        result.is_program = (entry.d_un.d_val & DF_1_PIE) != 0;
        continue;
      default:
        continue;
    }
    auto text = state_->string_at(from, entry.d_un.d_val);
    if (!text) return std::move(text).error();
    *into = std::move(text).value();
  }
  return result;
}

}  // namespace gpuinit::elf
