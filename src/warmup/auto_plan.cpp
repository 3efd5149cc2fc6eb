#include "warmup/auto_plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "base/byte_source.h"
#include "base/unique_fd.h"
#include "binary/elf_file.h"

namespace gpuinit::warmup {

namespace {

// Of code, the beginning: a quarter, but no more than this.
constexpr std::uint64_t kCodeShare = 8;
constexpr std::uint64_t kSmallCode = 8 * 1024 * 1024;
constexpr std::uint64_t kLargeData = 32 * 1024 * 1024;

bool is_device_code(std::string_view name) {
  return name == ".nv_fatbin" || name == "__nv_relfatbin" || name == ".hip_fatbin";
}

// The part of a section that a start touches; length 0: none.
Range part_of(const binary::Section& section) {
  if (!section.loaded || is_device_code(section.name)) return {};
  if (section.code && section.size > kSmallCode)
    return {section.offset, std::max(kSmallCode, section.size / kCodeShare)};
  if (section.name == ".lrodata" || section.name == ".ldata") return {};
  if (section.writable && section.size > kLargeData) return {};
  return {section.offset, section.size};
}

FilePart part_of(const std::string& path) {
  FilePart part;
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return part;
  part.path = path;
  part.size = static_cast<std::uint64_t>(status.st_size);
  part.modified = status.st_mtime;
  const auto source = base::FileSource::from_fd(std::move(fd), path);
  if (!source) return part;
  source->expect_random_access();
  const auto elf = binary::ElfFile::open(*source);
  if (!elf) return part;
  const auto sections = elf->sections();
  if (!sections) return part;
  part.ranges.push_back({0, 4096});  // the headers
  for (const binary::Section& section : *sections) part.ranges.push_back(part_of(section));
  tidy(part.ranges, part.size);
  return part;
}

}  // namespace

PagePlan auto_plan(const ImageFacts& image) {
  PagePlan plan;
  if (!image.loader.known()) return plan;
  for (const LoadedLibrary& library : image.loader->libraries) {
    FilePart part = part_of(library.path);
    if (!part.ranges.empty()) plan.push_back(std::move(part));
  }
  return plan;
}

}  // namespace gpuinit::warmup
