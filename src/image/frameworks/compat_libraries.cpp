// The forward-compatibility drivers that an image brings.
#include <algorithm>
#include <cerrno>

#include "elf/libcuda_file.h"
#include "image/frameworks/read_frameworks.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMaxLibraries = 16;

CompatLibrary describe(const base::RootFs& fs, std::string directory, std::string real_path) {
  CompatLibrary library;
  library.directory = std::move(directory);
  library.real_path = std::move(real_path);
  if (auto release = elf::release_in_name(library.real_path)) library.version = std::move(*release);
  else library.version = Fact<std::string>::unknown("its name does not say which release it is");
  auto file = fs.open_file(library.real_path);
  if (!file) {
    library.note = Fact<CompatNote>::unknown(file.error().message);
    return library;
  }
  file->expect_random_access();
  auto elf = elf::ElfFile::open(*file);
  library.note = elf ? elf::read_compat_note(*elf) : Fact<CompatNote>::unknown(elf.error().message);
  return library;
}

}  // namespace

Fact<std::vector<CompatLibrary>> read_compat_libraries(const base::RootFs& fs) {
  using Libraries = std::vector<CompatLibrary>;
  constexpr const char* kPrefix = "/usr/local";
  auto names = fs.list(kPrefix);  // sorted: "cuda" comes before "cuda-12.8"
  if (!names) {
    if (names.error().code == ENOENT) return Libraries();
    return Fact<Libraries>::unknown(names.error().message);
  }
  Libraries libraries;
  for (const auto& name : *names) {
    if (!name.starts_with("cuda")) continue;
    const std::string compat = base::join(base::join(kPrefix, name), "compat");
    for (const char* part : {"", "/lib.real", "/lib"}) {
      if (libraries.size() >= kMaxLibraries)
        return Fact<Libraries>::unknown(
            limit_error(kPrefix, "more than " + std::to_string(kMaxLibraries) + " libcuda").message);
      auto real = fs.resolve(base::join(compat + part, "libcuda.so.1"));
      if (!real || !fs.is_file(*real)) continue;
      if (std::ranges::none_of(libraries, [&](const auto& l) { return l.real_path == *real; }))
        libraries.push_back(describe(fs, compat + part, *real));
    }
  }
  return libraries;
}

}  // namespace gpuinit::image
