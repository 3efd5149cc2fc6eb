#include "elf/fatbin_fetch.h"

#include <vector>

#include "base/checked.h"
#include "elf/elf_state.h"
#include "elf/fatbin_layout.h"

namespace gpuinit::elf {

namespace {

// The first header of every container, of which each has the place of the next. The wrappers have
// all places, where the linker writes addresses twice: into the section and into the relocations.
void ask_for_containers(const ElfFile& elf, const Section& fatbin) {
  const auto section = elf.section(".nvFatBinSegment");
  if (!section || !*section || (*section)->size > kMaxContainers * sizeof(Wrapper)) return;
  std::vector<Wrapper> wrappers;
  if (!read_into(elf.source(), (*section)->offset, (*section)->size / sizeof(Wrapper), wrappers,
                 "wrappers"))
    return;
  for (const Wrapper& one : wrappers)
    if (one.magic == kWrapperMagic && one.address >= fatbin.address &&
        one.address - fatbin.address < fatbin.size)
      elf.source().will_need(fatbin.offset + (one.address - fatbin.address), sizeof(ContainerHead));
}

struct Position {
  std::uint64_t entry;
  std::uint64_t end;  // of its container
};

std::vector<Position> first_entries(const base::ByteSource& source, const Section& fatbin) {
  std::vector<Position> first;
  std::uint64_t offset = fatbin.offset;
  const std::uint64_t end = fatbin.offset + fatbin.size;
  while (offset < end && first.size() < kMaxContainers) {
    const auto header = source.read_struct<ContainerHeader>(offset);
    if (!header || header->magic != kContainerMagic ||
        !base::range_inside(header->header_size, header->size, end - offset))
      break;
    first.push_back({offset + header->header_size, offset + header->header_size + header->size});
    offset = first.back().end;
  }
  return first;
}

}  // namespace

void fetch_fatbin_headers(const ElfFile& elf, const Section& fatbin) {
  const base::ByteSource& source = elf.source();
  if (source.is_at_hand(fatbin.offset)) return;
  ask_for_containers(elf, fatbin);
  std::vector<Position> open = first_entries(source, fatbin);
  for (std::uint64_t round = 0; round < kMaxEntriesOfOne && !open.empty(); ++round) {
    for (const Position& at : open) source.will_need(at.entry, sizeof(EntryHeader));
    std::erase_if(open, [&](Position& at) {
      const auto entry = source.read_struct<EntryHeader>(at.entry);
      if (!entry || entry->header_size < sizeof(EntryHeader) ||
          !base::range_inside(entry->header_size, entry->padded_size, at.end - at.entry))
        return true;
      at.entry += entry->header_size + entry->padded_size;
      return at.end - at.entry < sizeof(EntryHeader);
    });
  }
}

}  // namespace gpuinit::elf
