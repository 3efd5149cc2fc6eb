// The bytes of a fatbin section, written as data: tests say which architectures
// each container carries and get what nvcc would have put into .nv_fatbin, with
// zeros for code.
//
//   fatbin_container({sm("80"), sm("90a"), ptx("90", "8.4")}) + fatbin_container({sm("100f")})
#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::test {

// Fields of an entry header that tests want to set; docs/fatbin.md explains them.
struct FatbinEntryBytes {
  std::uint16_t kind = 2;  // 1 PTX, 2 cubin, 8 LTO
  std::uint32_t arch = 0;
  std::uint64_t flags = 0x11;  // 64 bit, Linux
  std::uint16_t major = 1;     // of the PTX ISA, or of the cubin format
  std::uint16_t minor = 8;
  std::uint32_t header_size = 64;
  std::uint64_t uncompressed_size = 6000;
  std::string payload = std::string(4096, '\0');

  FatbinEntryBytes& with_header_size(std::uint32_t size) { return header_size = size, *this; }
  FatbinEntryBytes& with_payload(std::string bytes) { return payload = std::move(bytes), *this; }
  FatbinEntryBytes& with_kind(std::uint16_t value) { return kind = value, *this; }
  FatbinEntryBytes& with_uncompressed_size(std::uint64_t size) {
    return uncompressed_size = size, *this;
  }
};

template <class T>
void append_le(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes += static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xff);
}

// A cubin: sm("90"), sm("90a"), sm("100f").
inline FatbinEntryBytes sm(std::string_view arch) {
  FatbinEntryBytes entry;
  if (arch.ends_with('a')) entry.flags |= 0x100000;
  if (arch.ends_with('f')) entry.flags |= 0x200000;
  entry.arch = static_cast<std::uint32_t>(std::atoi(std::string(arch).c_str()));
  return entry;
}

// PTX text: ptx("90", "8.4"), ptx("90a", "8.0").
inline FatbinEntryBytes ptx(std::string_view arch, std::string_view isa = "8.0") {
  FatbinEntryBytes entry = sm(arch);
  entry.kind = 1;
  const auto dot = isa.find('.');
  entry.major = static_cast<std::uint16_t>(std::atoi(std::string(isa.substr(0, dot)).c_str()));
  entry.minor = static_cast<std::uint16_t>(std::atoi(std::string(isa.substr(dot + 1)).c_str()));
  return entry;
}

inline std::string fatbin_entry(const FatbinEntryBytes& entry) {
  const std::size_t padded = (entry.payload.size() + 7) / 8 * 8;
  std::string bytes;
  append_le(bytes, entry.kind);
  append_le(bytes, std::uint16_t{0x0101});
  append_le(bytes, entry.header_size);
  append_le(bytes, std::uint64_t{padded});
  append_le(bytes,
            static_cast<std::uint32_t>(entry.uncompressed_size != 0 ? entry.payload.size() : 0));
  append_le(bytes, std::uint32_t{0});
  append_le(bytes, entry.minor);
  append_le(bytes, entry.major);
  append_le(bytes, entry.arch);
  append_le(bytes, std::uint64_t{0});  // name offset and length
  append_le(bytes, entry.flags | (entry.uncompressed_size != 0 ? 0x2000U : 0U));
  append_le(bytes, std::uint64_t{0});
  append_le(bytes, entry.uncompressed_size);
  if (entry.header_size > bytes.size()) bytes.resize(entry.header_size, '\0');
  bytes += entry.payload;
  bytes.append(padded - entry.payload.size(), '\0');
  return bytes;
}

// A container around bytes as they are.
inline std::string fatbin_container_of(std::string_view entries) {
  std::string bytes;
  append_le(bytes, std::uint32_t{0xBA55ED50});
  append_le(bytes, std::uint16_t{1});
  append_le(bytes, std::uint16_t{16});
  append_le(bytes, std::uint64_t{entries.size()});
  return bytes.append(entries);
}

inline std::string fatbin_container(const std::vector<FatbinEntryBytes>& entries) {
  std::string bytes;
  for (const FatbinEntryBytes& entry : entries) bytes += fatbin_entry(entry);
  return fatbin_container_of(bytes);
}

}  // namespace gpuinit::test
