#include "image/packages/cut_short.h"

#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxRecord = 8ULL * 1024 * 1024;

struct Expected {
  std::uint64_t size = 0;  // bytes
  std::string by;          // "the RECORD of nvidia_cublas_cu12-12.8.3"
};

// By the first RECORD of its site-packages that names the file.
std::optional<Expected> by_record(const base::RootFs& fs, const std::string& path) {
  constexpr std::string_view kSite = "-packages/", kInfo = ".dist-info";
  const auto at = path.find(kSite);
  if (at == std::string::npos) return std::nullopt;
  const std::string site = path.substr(0, at + kSite.size());
  const std::string line_start = path.substr(site.size()) + ",";
  for (const std::string& name : fs.list(site).value_or({})) {
    if (!name.ends_with(kInfo)) continue;
    const auto record = fs.read_file(base::join(site, name + "/RECORD"), kMaxRecord);
    if (!record) continue;
    for (const std::string_view line : base::split_lines(*record)) {
      if (!line.starts_with(line_start)) continue;
      const auto size = base::parse_number(base::trim(line.substr(line.rfind(',') + 1)));
      if (!size) return std::nullopt;
      return Expected{*size, "the RECORD of " + name.substr(0, name.size() - kInfo.size())};
    }
  }
  return std::nullopt;
}

// The header of the sections is the last that linkers write.
std::optional<Expected> by_headers(const base::FileSource& file) {
  const auto header = file.read_struct<Elf64_Ehdr>(0);
  if (!header || std::string_view(reinterpret_cast<const char*>(header->e_ident), SELFMAG) !=
                     std::string_view(ELFMAG, SELFMAG))
    return std::nullopt;
  const std::uint64_t table = std::uint64_t{header->e_shnum} * header->e_shentsize;
  if (header->e_shoff > UINT64_MAX - table) return std::nullopt;
  return Expected{header->e_shoff + table, "its ELF headers"};
}

// Empty if it is whole, as far as they know.
std::string why_cut_short(const base::RootFs& fs, const std::string& path) {
  const auto file = fs.open_file(path);
  if (!file) return "";
  auto expected = by_record(fs, path);
  if (!expected) expected = by_headers(*file);
  if (expected && file->size() < expected->size)
    return "is cut short: " + std::to_string(file->size()) + " of " +
           std::to_string(expected->size) + " bytes, by " + expected->by;
  return file->size() == 0 ? "is empty" : "";
}

}  // namespace

std::string reason_of(const base::RootFs& fs, const ldso::LoadFailure& missing) {
  if (missing.code != ENOEXEC || !missing.reason.starts_with('/')) return missing.reason;
  const std::string opened = missing.reason.substr(0, missing.reason.find(": "));
  const std::string path = fs.resolve(opened).value_or(opened);
  const std::string cut = why_cut_short(fs, path);
  return cut.empty() ? missing.reason : path + ": " + cut;
}

}  // namespace gpuinit::image
