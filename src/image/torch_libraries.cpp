#include "image/torch_libraries.h"

#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "image/rpath.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMaxLibraries = 64;

// Which of the NEEDED libraries are torch's own.
bool is_torch_library(std::string_view name) {
  return name.starts_with("libtorch") || name.starts_with("libc10") || name.starts_with("libshm");
}

// "libtorch_cpu.so.1.13" → "libtorch_cpu".
std::string stem_of(std::string_view name) { return std::string(name.substr(0, name.find(".so"))); }

class Closure {
 public:
  Closure(const base::RootFs& fs, const std::string& package, const binary::LibrarySearch& search)
      : fs_(fs),
        package_(package),
        home_(fs.resolve(base::join(package, "lib")).value_or("")),
        search_(search) {}

  // Reads one library and everything of torch's that it needs.
  void follow(const std::string& name, const std::string& path, const std::string& rpath) {
    if (result_.by_stem.contains(stem_of(name))) return;
    if (result_.by_stem.size() >= kMaxLibraries) {
      result_.problem = "too many libraries";
      return;
    }
    auto elf = OpenElf::open(fs_, path, name.find("cuda") != std::string::npos);
    if (!elf) return unreadable(path, elf.error());
    if (const auto damage = elf_damage((*elf)->source()); !damage.empty()) {
      result_.missing.push_back(shown(path) + " (" + damage + ")");
      return;
    }
    auto dynamic = (*elf)->dynamic();
    if (!dynamic) return unreadable(path, dynamic.error());
    // DT_RPATH serves what the library needs, and what that needs in turn.
    const std::string chain = join_rpaths(expand_origin(fs_, dynamic->rpath, path), rpath);
    const auto placed = result_.by_stem.try_emplace(
        stem_of(name), TorchLibrary{std::move(elf).value(), std::move(dynamic).value(), path});
    const TorchLibrary& library = placed.first->second;
    for (const std::string& needed : library.dynamic.needed)
      if (is_torch_library(needed)) need(needed, library, chain);
  }

  void need(const std::string& name, const TorchLibrary& by, const std::string& chain) {
    if (result_.by_stem.contains(stem_of(name))) return;
    const std::string beside = base::join(package_, "lib/" + name);
    if (rpath_leads_home(by) && fs_.is_file(beside)) return follow(name, beside, chain);
    auto found = search_.find(name, {by.path, chain, by.dynamic.runpath}, by.elf->machine());
    if (found) return follow(name, tidy_path(fs_, found->path), chain);
    // An LD_LIBRARY_PATH that an entry point sets later is not known here.
    if (fs_.is_file(beside)) return follow(name, beside, chain);
    if (found.error().code == ENOENT) {
      result_.missing.push_back(name);
    } else {
      result_.missing.push_back(name + " (" + found.error().message + ")");
    }
  }

  // What no library asks for by NEEDED, or all of it without `_C` to begin from.
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
        follow(name, in_directory(stem), "");
      } else if (home && (!of_cuda || cuda_build) && !is_split(stem)) {
        result_.missing.push_back(name);
      }
    }
  }

  TorchLibraries take() {
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

  // DT_RPATH comes before everything else, and of the directories in it only
  // torch/lib holds torch's libraries: no need to look through 14 of nvidia's.
  bool rpath_leads_home(const TorchLibrary& by) const {
    if (!by.dynamic.runpath.empty()) return false;
    const std::string rpath = expand_origin(fs_, by.dynamic.rpath, by.path);
    for (auto directory : base::split(rpath, ':'))
      if (!home_.empty() && base::normalize(directory) == home_) return true;
    return false;
  }

  // "torch/lib/libc10.so" for what lies in the package.
  std::string shown(const std::string& path) const {
    return path.starts_with(package_ + "/") ? "torch" + path.substr(package_.size()) : path;
  }

  void unreadable(const std::string& path, const Error& error) {
    // A permission that this process lacks says nothing about the file.
    if (error.code == EACCES || error.code == EPERM) {
      result_.problem = error.message;
    } else {
      result_.missing.push_back(shown(path) + " (not readable as ELF)");
    }
  }

  const base::RootFs& fs_;
  const std::string& package_;
  const std::string home_;  // torch/lib, symlinks resolved
  const binary::LibrarySearch& search_;
  TorchLibraries result_;
};

}  // namespace

std::string elf_damage(const base::ByteSource& source) {
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
                                    const std::vector<std::string>& extensions, bool cuda_build,
                                    const std::string& python_rpath,
                                    const binary::LibrarySearch& search) {
  Closure closure(fs, package, search);
  if (!extensions.empty())
    closure.follow(extensions.front(), base::join(package, extensions.front()), python_rpath);
  closure.take_directory(cuda_build);
  return closure.take();
}

}  // namespace gpuinit::image
