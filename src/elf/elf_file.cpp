// The ELF header, program headers, sections and notes.
#include "elf/elf_file.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "elf/elf_state.h"

namespace gpuinit::elf {

namespace {

// Upper limits. The largest seen in torch and CUDA libraries: 13 segments, 41
// sections, 1 KB of section names and of notes.
constexpr std::uint64_t kMaxSegments = 1024;
constexpr std::uint64_t kMaxSections = 65535;
constexpr std::uint64_t kMaxSectionNames = 4ULL * 1024 * 1024;  // bytes
constexpr std::size_t kMaxSectionName = 256;                    // bytes
constexpr std::uint64_t kMaxInterpreter = 4096;                 // bytes, PATH_MAX
constexpr std::uint64_t kMaxNotes = 1024ULL * 1024;             // bytes of one section or segment

std::string number(std::uint64_t value) { return std::to_string(value); }

// Walks notes {namesz, descsz, type, name, desc}, padded to 4 bytes each (also
// where p_align says 8: .note.gnu.property is the only such and has no owner
// of interest). Source: gABI, "Note Section".
std::optional<std::string> find_note(std::string_view bytes, std::string_view owner) {
  const auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
  while (bytes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr head;
    std::memcpy(&head, bytes.data(), sizeof head);
    const std::uint64_t body = sizeof head;
    const std::uint64_t name_end = body + padded(head.n_namesz);
    if (!base::range_inside(name_end, head.n_descsz, bytes.size())) return std::nullopt;
    std::string_view name = bytes.substr(body, head.n_namesz);
    if (name.ends_with('\0')) name.remove_suffix(1);
    if (name == owner) return std::string(bytes.substr(name_end, head.n_descsz));
    bytes.remove_prefix(std::min<std::uint64_t>(name_end + padded(head.n_descsz), bytes.size()));
  }
  return std::nullopt;
}

}  // namespace

ElfFile::ElfFile(std::shared_ptr<const State> state) : state_(std::move(state)) {}

const base::ByteSource& ElfFile::source() const { return *state_->source; }

Result<ElfFile> ElfFile::open(const base::ByteSource& source) {
  return open(std::shared_ptr<const base::ByteSource>(std::shared_ptr<void>(), &source));
}

Result<ElfFile> ElfFile::open(const base::RootFs& fs, const std::string& path) {
  auto file = fs.open_file(path);
  if (!file) return std::move(file).error();
  return open(std::make_shared<const base::FileSource>(std::move(file).value()));
}

Result<ElfFile> ElfFile::open(std::shared_ptr<const base::ByteSource> from) {
  State state(std::move(from));
  const base::ByteSource& source = state.window;
  unsigned char ident[EI_NIDENT] = {};
  const std::uint64_t have = std::min<std::uint64_t>(source.size(), sizeof ident);
  auto head = source.read_at(0, std::as_writable_bytes(std::span(ident, have)));
  if (!head) return std::move(head).error();
  if (have < SELFMAG || std::memcmp(ident, ELFMAG, SELFMAG) != 0)
    return state.broken("not an ELF file");
  if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB)
    return state.broken("not a 64-bit little-endian ELF file");

  auto header = source.read_struct<Elf64_Ehdr>(0);
  if (!header) return std::move(header).error();
  state.header = *header;
  if (header->e_phnum != 0) {
    if (header->e_phentsize != sizeof(Elf64_Phdr))
      return state.broken("program headers of " + number(header->e_phentsize) + " bytes");
    if (header->e_phnum > kMaxSegments &&
        base::range_inside(header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr), source.size()))
      return state.limit(number(header->e_phnum) + " program headers");
    auto done =
        read_into(source, header->e_phoff, header->e_phnum, state.segments, "program headers");
    if (!done) return std::move(done).error();
  }
  return ElfFile(std::make_shared<const State>(std::move(state)));
}

std::string ElfFile::machine() const {
  switch (state_->header.e_machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    default:
      return "e_machine " + number(state_->header.e_machine);
  }
}

bool ElfFile::is_shared_object_or_pie() const { return state_->header.e_type == ET_DYN; }

Result<std::optional<std::string>> ElfFile::interpreter() const {
  for (const Elf64_Phdr& segment : state_->segments) {
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_filesz == 0 || segment.p_filesz > kMaxInterpreter)
      return state_->broken("PT_INTERP of " + number(segment.p_filesz) + " bytes");
    auto text = state_->window.read_text(segment.p_offset, segment.p_filesz);
    if (!text) return std::move(text).error().context("PT_INTERP");
    const auto end = text->find('\0');
    if (end == std::string::npos) return state_->broken("PT_INTERP has no end");
    text->resize(end);
    return std::optional(std::move(text).value());
  }
  return std::optional<std::string>();
}

Result<std::uint64_t> ElfFile::State::file_offset(std::uint64_t address,
                                                  std::uint64_t length) const {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const std::uint64_t inside = address - segment.p_vaddr;
    if (!base::range_inside(inside, length, segment.p_filesz)) continue;
    const auto offset = base::checked_add(segment.p_offset, inside);
    if (!offset || !base::range_inside(*offset, length, source->size()))
      return broken("a segment runs out of the file (truncated?)");
    return *offset;
  }
  return broken("address " + number(address) + " with " + number(length) +
                " bytes is in no segment of the file");
}

Result<std::uint64_t> ElfFile::file_offset(std::uint64_t address, std::uint64_t length) const {
  return state_->file_offset(address, length);
}

std::string_view ElfFile::State::Sections::name_of(const Elf64_Shdr& section) const {
  if (section.sh_name >= names.size()) return {};
  const std::string_view rest = std::string_view(names).substr(section.sh_name, kMaxSectionName);
  const auto end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

Result<ElfFile::State::Sections> ElfFile::State::sections() const {
  if (header.e_shoff == 0) return broken("no section headers");
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    return broken("section headers of " + number(header.e_shentsize) + " bytes");
  // A file with 65280 sections or more keeps the count and the index of the
  // name table in section 0.
  std::uint64_t count = header.e_shnum;
  std::uint64_t names_index = header.e_shstrndx;
  if (count == 0 || names_index == SHN_XINDEX) {
    auto first = window.read_struct<Elf64_Shdr>(header.e_shoff);
    if (!first) return std::move(first).error().context("section headers");
    if (count == 0) count = first->sh_size;
    if (names_index == SHN_XINDEX) names_index = first->sh_link;
  }
  if (count == 0) return broken("0 section headers");
  if (count > kMaxSections) return limit(number(count) + " section headers");
  if (names_index >= count) return broken("the section name table is not a section");

  Sections all;
  if (auto done = read_into(window, header.e_shoff, count, all.headers, "section headers"); !done)
    return std::move(done).error();
  const Elf64_Shdr& table = all.headers[names_index];
  if (table.sh_type == SHT_NOBITS) return broken("the section name table is broken");
  if (table.sh_size > kMaxSectionNames)
    return limit("section names of " + number(table.sh_size) + " bytes");
  auto text = window.read_text(table.sh_offset, table.sh_size);
  if (!text) return std::move(text).error().context("section names");
  all.names = std::move(text).value();
  return all;
}

static Section described(std::string_view name, const Elf64_Shdr& header, std::uint64_t size) {
  return {std::string(name),
          header.sh_offset,
          size,
          header.sh_addr,
          (header.sh_flags & SHF_ALLOC) != 0,
          (header.sh_flags & SHF_WRITE) != 0,
          (header.sh_flags & SHF_EXECINSTR) != 0};
}

Result<std::vector<Section>> ElfFile::sections() const {
  auto all = state_->sections();
  if (!all) return std::move(all).error();
  std::vector<Section> sections;
  for (const Elf64_Shdr& header : all->headers) {
    if (header.sh_type == SHT_NULL || header.sh_type == SHT_NOBITS || header.sh_size == 0) continue;
    const std::string_view name = all->name_of(header);
    if (name.empty() || !base::range_inside(header.sh_offset, header.sh_size, source().size()))
      continue;
    sections.push_back(described(name, header, header.sh_size));
  }
  return sections;
}

Result<std::optional<Section>> ElfFile::section(std::string_view name) const {
  auto all = state_->sections();
  if (!all) return std::move(all).error();
  for (const Elf64_Shdr& header : all->headers) {
    if (header.sh_type == SHT_NULL || all->name_of(header) != name) continue;
    // Taking up no room in the file: what `objcopy --only-keep-debug` leaves.
    const std::uint64_t size = header.sh_type == SHT_NOBITS ? 0 : header.sh_size;
    if (!base::range_inside(header.sh_offset, size, source().size()) && size != 0)
      return state_->broken("section " + std::string(name) + " runs out of the file");
    return std::optional(described(name, header, size));
  }
  return std::optional<Section>();
}

Result<std::optional<std::string>> ElfFile::note(std::string_view section_name,
                                                 std::string_view owner) const {
  const auto look = [&](std::uint64_t offset,
                        std::uint64_t size) -> Result<std::optional<std::string>> {
    if (size > kMaxNotes) return state_->limit("notes of " + number(size) + " bytes");
    auto bytes = state_->window.read_text(offset, size);
    if (!bytes) return std::move(bytes).error().context("notes");
    return find_note(*bytes, owner);
  };
  // Section headers may be gone or broken; the segments then still have the note.
  std::optional<Error> problem;
  if (state_->header.e_shoff != 0) {
    auto named = section(section_name);
    if (!named) {
      problem = std::move(named).error();
    } else if (*named) {
      auto found = look((*named)->offset, (*named)->size);
      if (!found || found->has_value()) return found;
    }
  }
  for (const Elf64_Phdr& segment : state_->segments) {
    if (segment.p_type != PT_NOTE) continue;
    auto found = look(segment.p_offset, segment.p_filesz);
    if (!found || found->has_value()) return found;
  }
  if (problem) return *std::move(problem);
  return std::optional<std::string>();
}

}  // namespace gpuinit::elf
