#include "binary/constructors.h"

#include <elf.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace gpuinit::binary {

namespace {

constexpr std::uint64_t kMaxConstructors = 100'000;  // cuBLASLt 13 has 6,900

const Section* find(const std::vector<Section>& sections, std::string_view name) {
  for (const Section& section : sections)
    if (section.name == name) return &section;
  return nullptr;
}

bool is_relative(const Elf64_Rela& relocation) {
  const auto type = ELF64_R_TYPE(relocation.r_info);
  return type == R_X86_64_RELATIVE || type == R_AARCH64_RELATIVE;
}

template <class T>
std::vector<T> read_array(const ElfFile& elf, std::uint64_t offset, std::uint64_t count) {
  std::vector<T> items(count);
  if (!elf.source().read_at(offset, std::as_writable_bytes(std::span(items)))) items.clear();
  return items;
}

// The index of the first relocation at `address` or behind it, if they are sorted.
std::uint64_t first_at(const ElfFile& elf, const Section& table, std::uint64_t address) {
  std::uint64_t low = 0;
  std::uint64_t high = table.size / sizeof(Elf64_Rela);
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto relocation =
        elf.source().read_struct<Elf64_Rela>(table.offset + middle * sizeof(Elf64_Rela));
    if (!relocation) return low;
    // Relative ones come first; the others are sorted by symbol.
    if (is_relative(*relocation) && relocation->r_offset < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

}  // namespace

std::vector<std::uint64_t> constructors(const ElfFile& elf, const std::vector<Section>& sections) {
  const Section* array = find(sections, ".init_array");
  if (array == nullptr) return {};
  const std::uint64_t count =
      std::min<std::uint64_t>(array->size / sizeof(std::uint64_t), kMaxConstructors);
  std::vector<std::uint64_t> addresses = read_array<std::uint64_t>(elf, array->offset, count);
  std::erase(addresses, 0);
  const Section* table = find(sections, ".rela.dyn");
  if (!addresses.empty() || table == nullptr) return addresses;

  const std::uint64_t first = first_at(elf, *table, array->address);
  const std::uint64_t rest = table->size / sizeof(Elf64_Rela) - first;
  for (const Elf64_Rela& relocation :
       read_array<Elf64_Rela>(elf, table->offset + first * sizeof(Elf64_Rela),
                              std::min(count, rest))) {
    if (!is_relative(relocation) || relocation.r_offset < array->address ||
        relocation.r_offset >= array->address + array->size)
      continue;
    addresses.push_back(static_cast<std::uint64_t>(relocation.r_addend));
  }
  return addresses;
}

}  // namespace gpuinit::binary
