// A page plan without a recording, from what was read of the image: torch's libraries.
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "base/byte_source.h"
#include "base/open_regular.h"
#include "base/unique_fd.h"
#include "elf/elf_file.h"
#include "warmup/page_warmup.h"

namespace gpuinit::warmup {

namespace {

// Read as a whole by the loader: symbols, versions, hash tables, relocations, and what they
// are applied to.
bool is_of_the_loader(std::string_view name) {
  for (const std::string_view whole :
       {".dynamic", ".dynsym", ".dynstr", ".gnu.hash", ".hash", ".gnu.version", ".gnu.version_r",
        ".gnu.version_d", ".relr.dyn", ".init_array", ".fini_array", ".data.rel.ro", ".got"})
    if (name == whole) return true;
  return name.starts_with(".rela.") || name.starts_with(".rel.");
}

// The part of a section that a start touches; empty if it touches none.
Range part_of(const elf::Section& section) {
  if (!section.loaded) return {};
  if (is_of_the_loader(section.name)) return {section.offset, section.size};
  return {};
}

// Adds nothing of a file that cannot be read, or is not ELF.
void add_library(PagePlan& plan, const std::string& path) {
  base::UniqueFd fd = base::open_regular(path.c_str());
  struct stat status {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) return;
  const auto source = base::FileSource::from_fd(std::move(fd), path);
  if (!source) return;
  source->expect_random_access();
  const auto elf = elf::ElfFile::open(*source);
  if (!elf) return;
  const auto sections = elf->sections();
  if (!sections) return;
  std::vector<Range> ranges{{0, 4096}};  // the headers
  for (const elf::Section& section : *sections) ranges.push_back(part_of(section));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  plan.add({path, size, status.st_mtime}, ranges);
}

}  // namespace

PagePlan auto_plan(const ImageFacts& image) {
  PagePlan plan;
  if (!image.loader.known()) return plan;
  for (const LoadedLibrary& library : image.loader->libraries) add_library(plan, library.path);
  return in_order_of_need(plan);
}

}  // namespace gpuinit::warmup
