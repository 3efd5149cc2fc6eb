#include "image/frameworks/torch_libraries.h"

#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/checked.h"
#include "base/library_names.h"
#include "base/text.h"
#include "elf/read_window.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMaxLibraries = 64;

// "libtorch_cpu.so.1.13" → "libtorch_cpu".
std::string stem_of(std::string_view name) { return std::string(name.substr(0, name.find(".so"))); }

class Finder {
 public:
  Finder(const base::RootFs& fs, const std::string& package) : fs_(fs), package_(package) {}

  void take_loaded(const ldso::LoaderClosure& closure, const std::string& extension) {
    for (const ldso::LoadedObject& object : closure.objects()) {
      const std::string name(base::basename(object.name));
      if (name == extension || base::is_torch_library(name))
        take(name, {object.elf, tidy_path(fs_, object.path)});
    }
    for (const ldso::LoadFailure& missing : closure.missing())
      if (base::is_torch_library(missing.name)) miss(missing);
  }

  // What no library asks for by NEEDED, or all of it where nothing could be loaded.
  // Where torch/lib is the home of the libraries, each of these has to be in it.
  void take_directory(bool cuda_build) {
    const bool home = fs_.is_file(in_directory("libtorch_python"));
    for (const auto& [stem, of_cuda] : {std::pair{"libtorch_python", false},
                                        {"libtorch_cpu", false},
                                        {"libc10", false},
                                        {"libtorch_cuda", true},
                                        {"libc10_cuda", true}}) {
      if (result_.by_stem.contains(stem)) continue;
      const std::string name = std::string(stem) + ".so";
      if (fs_.is_file(in_directory(stem))) {
        open(name, in_directory(stem));
      } else if (home && (!of_cuda || cuda_build) && !is_split(stem)) {
        result_.missing.push_back(name);
      }
    }
  }

  void open(const std::string& name, const std::string& path) {
    if (result_.by_stem.contains(stem_of(name))) return;
    auto file = fs_.open_file(path);
    if (!file) return unreadable(path, file.error());
    const auto source = std::make_shared<const base::FileSource>(std::move(file).value());
    auto elf = elf::ElfFile::open(source);
    if (!elf) {
      const std::string damage = elf_damage(*source);
      if (damage.empty()) return unreadable(path, elf.error());
      return result_.missing.push_back(shown(path) + " (" + damage + ")");
    }
    take(name, {std::move(elf).value(), path});
  }

  TorchLibraries finish() {
    std::sort(result_.missing.begin(), result_.missing.end());
    result_.missing.erase(std::unique(result_.missing.begin(), result_.missing.end()),
                          result_.missing.end());
    return std::move(result_);
  }

 private:
  std::string in_directory(const std::string& stem) const {
    return base::join(package_, "lib/" + stem + ".so");
  }

  // 1.9 to 1.13 had libtorch_cuda in two parts for a while.
  bool is_split(std::string_view stem) const {
    return stem == "libtorch_cuda" && result_.by_stem.contains("libtorch_cuda_cu");
  }

  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved from
  void take(const std::string& name, TorchLibrary library) {
    if (result_.by_stem.size() >= kMaxLibraries) {
      result_.problem =
          limit_error(package_, "more than " + std::to_string(kMaxLibraries) + " libraries").message;
    } else if (const auto damage = elf_damage(library.elf.source()); !damage.empty()) {
      result_.missing.push_back(shown(library.path) + " (" + damage + ")");
    } else {
      // Its fatbins are jumped through, and readahead would drag in hundreds of megabytes.
      if (name.find("cuda") != std::string::npos) library.elf.source().expect_random_access();
      result_.by_stem.try_emplace(stem_of(name), std::move(library));
    }
  }

  void miss(const ldso::LoadFailure& missing) {
    if (is_unread(missing.code)) {
      result_.problem = missing.reason;
      return;
    }
    const std::string beside = base::join(package_, "lib/" + missing.name);
    // The file is there: whether the loader finds it is not asked here.
    if (fs_.is_file(beside)) return open(missing.name, beside);
    result_.missing.push_back(missing.code == ENOENT ? missing.name
                                                     : missing.name + " (" + missing.reason + ")");
  }

  // "torch/lib/libc10.so" for what lies in the package.
  std::string shown(const std::string& path) const {
    return path.starts_with(package_ + "/") ? "torch" + path.substr(package_.size()) : path;
  }

  void unreadable(const std::string& path, const Error& error) {
    if (is_unread(error.code)) {
      result_.problem = error.message;
    } else {
      result_.missing.push_back(
          shown(path) + (error.code != 0 ? " (not readable)" : " (not readable as ELF)"));
    }
  }

  const base::RootFs& fs_;
  const std::string& package_;
  TorchLibraries result_;
};

}  // namespace

std::string elf_damage(const base::ByteSource& file) {
  const elf::ReadWindow source(file);
  if (source.size() == 0) return "empty";
  auto header = source.read_struct<Elf64_Ehdr>(0);
  if (!header) return "truncated";
  const auto table_end = base::checked_mul(header->e_shnum, header->e_shentsize);
  if (header->e_shoff != 0 &&
      !base::range_inside(header->e_shoff, table_end.value_or(UINT64_MAX), source.size()))
    return "truncated";
  if (header->e_phentsize != sizeof(Elf64_Phdr)) return "";
  for (std::uint64_t at = 0; at < header->e_phnum; ++at) {
    const auto offset = base::checked_add(header->e_phoff, at * sizeof(Elf64_Phdr));
    if (!offset) return "truncated";
    auto segment = source.read_struct<Elf64_Phdr>(*offset);
    if (!segment) return "truncated";
    if (segment->p_type == PT_LOAD &&
        !base::range_inside(segment->p_offset, segment->p_filesz, source.size()))
      return "truncated";
  }
  return "";
}

TorchLibraries find_torch_libraries(const base::RootFs& fs, const std::string& package,
                                    const std::string& extension, bool cuda_build,
                                    const TorchLoad& load) {
  Finder finder(fs, package);
  if (load.closure) finder.take_loaded(*load.closure, extension);
  if (!extension.empty()) finder.open(extension, base::join(package, extension));
  finder.take_directory(cuda_build);
  return finder.finish();
}

}  // namespace gpuinit::image
