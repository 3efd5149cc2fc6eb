#include "warmup/auto_plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "base/byte_source.h"
#include "base/unique_fd.h"
#include "elf/elf_file.h"

namespace gpuinit::warmup {

namespace {

// Of code and of variables only the beginning, should there be more. libtorch_cpu alone has
// more code, 260 MB, and uses a tenth of it.
constexpr std::uint64_t kStartOfCode = 128ULL * 1024 * 1024;
constexpr std::uint64_t kStartOfData = 4ULL * 1024 * 1024;

// Read as a whole by the loader: symbols, versions, hash tables, relocations, and what they
// are applied to.
bool is_of_the_loader(std::string_view name) {
  for (const std::string_view whole :
       {".dynamic", ".dynsym", ".dynstr", ".gnu.hash", ".hash", ".gnu.version", ".gnu.version_r",
        ".gnu.version_d", ".relr.dyn", ".init_array", ".fini_array", ".data.rel.ro", ".got",
        ".got.plt", ".plt", ".plt.got", ".plt.sec", ".rodata"})
    if (name == whole) return true;
  return name.starts_with(".rela.") || name.starts_with(".rel.");
}

// The part of a section that a start touches; length 0: none.
Range part_of(const elf::Section& section) {
  if (!section.loaded) return {};
  if (is_of_the_loader(section.name)) return {section.offset, section.size};
  if (section.name == ".text") return {section.offset, std::min(section.size, kStartOfCode)};
  if (section.name == ".data") return {section.offset, std::min(section.size, kStartOfData)};
  return {};
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
  const auto elf = elf::ElfFile::open(*source);
  if (!elf) return part;
  const auto sections = elf->sections();
  if (!sections) return part;
  part.ranges.push_back({0, 4096});  // the headers
  for (const elf::Section& section : *sections) part.ranges.push_back(part_of(section));
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
