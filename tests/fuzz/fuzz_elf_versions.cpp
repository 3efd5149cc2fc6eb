// The version tables of any bytes: an answer within the limits, or an error that says where.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/byte_source.h"
#include "elf/elf_file.h"

using gpuinit::base::MemorySource;
using gpuinit::elf::ElfFile;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemorySource source(std::as_bytes(std::span(data, size)), "fuzz");
  auto elf = ElfFile::open(source);
  if (!elf) return 0;
  std::size_t records = 0;
  if (auto needs = elf->needed_versions()) {
    for (const auto& need : *needs) {
      require(!need.versions.empty());
      records += 1 + need.versions.size();
      for (const auto& version : need.versions) require(version.index < 0x8000);
    }
  } else {
    // "fuzz: why", "fuzz is cut short: …": the file is named.
    require(needs.error().message.find("fuzz") != std::string::npos);
  }
  if (auto defined = elf->defined_versions(); defined && *defined) records += (**defined).size();
  require(records <= 2 * 8192);
  return 0;
}
