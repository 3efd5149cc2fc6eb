// The libcuda.so.1 that the loader will pick, the user-mode driver (UMD).
#include <cerrno>

#include "base/text.h"
#include "elf/elf_file.h"
#include "elf/libcuda_file.h"
#include "ldso/library_search.h"
#include "node/read_node.h"

namespace gpuinit::node {

namespace {

constexpr const char* kSoname = "libcuda.so.1";
constexpr std::size_t kMaxHidden = 16;

// The command runs on the processor that gpuinit was built for.
#if defined(__x86_64__)
constexpr const char* kMachine = "x86_64";
#elif defined(__aarch64__)
constexpr const char* kMachine = "aarch64";
#else
#error "CUDA has no user-mode driver for this processor"
#endif

bool has_directory(std::string_view path, std::string_view name) {
  return ("/" + std::string(base::parent(path)) + "/").find("/" + std::string(name) + "/") !=
         std::string::npos;
}

// "/usr/local/cuda-12.8/compat/lib.real/…", "…/cuda/compat_orin/…", conda's "…/cuda-compat/…".
bool in_compat_directory(std::string_view path) {
  std::string_view before;
  for (auto part : base::split(base::parent(path), '/')) {
    if (part == "cuda-compat") return true;
    if (part.starts_with("compat") && before.starts_with("cuda")) return true;
    before = part;
  }
  return false;
}

struct ElfFacts {
  bool stub = false;
  Fact<CompatNote> note;
};

ElfFacts read_elf(const base::RootFs& fs, const std::string& path) {
  ElfFacts facts;
  auto file = fs.open_file(path);
  if (!file) {
    facts.note = Fact<CompatNote>::unknown(file.error().message);
    return facts;
  }
  file->expect_random_access();
  auto elf = elf::ElfFile::open(*file);
  if (!elf) {
    facts.note = Fact<CompatNote>::unknown(elf.error().message);
    return facts;
  }
  auto dynamic = elf->dynamic();
  facts.stub = dynamic.ok() && dynamic->present && dynamic->needed.empty();
  facts.note = elf::read_compat_note(*elf);
  return facts;
}

// A preloaded library answers to every later dlopen of its SONAME. Elements are
// separated by blanks or colons. Source: ld.so(8), LD_PRELOAD.
std::optional<std::string> preloaded(const base::RootFs& fs, const Environment& environment) {
  const auto preload = environment.find("LD_PRELOAD");
  if (preload == environment.end()) return std::nullopt;
  for (auto words : base::split_words(preload->second)) {
    for (auto path : base::split(words, ':')) {
      if (!path.starts_with('/') || !base::basename(path).starts_with("libcuda.so")) continue;
      auto file = fs.open_file(path);
      if (!file) continue;
      auto elf = elf::ElfFile::open(*file);
      if (!elf || elf->machine() != kMachine) continue;
      auto dynamic = elf->dynamic();
      if (dynamic.ok() && dynamic->soname == kSoname) return std::string(path);
    }
  }
  return std::nullopt;
}

// Every libcuda.so.1 that would answer if `library` were not there.
std::vector<std::string> hidden_by(const ldso::LibrarySearch& search, const LibCuda& library) {
  std::vector<std::string> hidden;
  for (const auto& candidate : search.candidates(kSoname, {}, kMachine)) {
    if (hidden.size() >= kMaxHidden) break;
    if (candidate.real_path != library.real_path) hidden.push_back(candidate.real_path);
  }
  return hidden;
}

Result<LibCuda> find(const base::RootFs& fs, const ldso::LibrarySearch& search,
                     const Environment& environment) {
  LibCuda library;
  if (auto path = preloaded(fs, environment)) {
    library.path = *path;
    library.real_path = fs.resolve(*path).value_or(*path);
    library.found_by = "LD_PRELOAD";
    library.hides = hidden_by(search, library);
    return library;
  }
  auto found = search.find(kSoname, {}, kMachine);
  if (!found) {
    // The library may be in the part that could not be read.
    if (found.error().code == ENOENT && !search.cache_problem().empty())
      return Error{search.cache_problem()};
    return std::move(found).error();
  }
  library.path = found->path;
  library.real_path = found->real_path;
  library.found_by = found->found_by;
  library.hides = hidden_by(search, library);
  return library;
}

std::string kind_of(const LibCuda& library, const ElfFacts& elf,
                    const Fact<std::string>& kernel_version) {
  for (const std::string& path : {library.path, library.real_path})
    if (has_directory(path, "stubs")) return "stub";
  if (elf.stub) return "stub";
  if (library.version && kernel_version && *library.version == *kernel_version) return "driver";
  for (const std::string& path : {library.path, library.real_path})
    if (in_compat_directory(path)) return "forward-compat";
  const bool other_release = library.version.known() && kernel_version.known();
  return elf.note.known() && other_release ? "forward-compat" : "driver";
}

}  // namespace

Fact<LibCuda> read_libcuda(const base::RootFs& fs, const Environment& environment,
                           const Fact<std::string>& kernel_version) {
  const ldso::LibrarySearch search(fs, environment);
  auto found = find(fs, search, environment);
  if (!found) {
    if (found.error().code == ENOENT)
      return Fact<LibCuda>::absent("the loader finds no libcuda.so.1");
    return Fact<LibCuda>::unknown(found.error().message);
  }
  LibCuda library = std::move(found).value();
  ElfFacts elf = read_elf(fs, library.real_path);
  if (auto release = elf::release_in_name(library.real_path)) {
    library.version = std::move(*release);
  } else {
    library.version =
        Fact<std::string>::unknown("the name of " + library.real_path + " shows no release");
  }
  library.kind = kind_of(library, elf, kernel_version);
  library.compat_note = std::move(elf.note);
  return library;
}

Fact<std::string> find_libcuda_elsewhere(const base::RootFs& fs) {
  for (const char* directory :
       {"/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/lib64-nvidia",
        // JetPack 6, and those before
        "/usr/lib/aarch64-linux-gnu/nvidia", "/usr/lib/aarch64-linux-gnu/tegra"}) {
    std::string path = base::join(directory, kSoname);
    if (fs.is_file(path)) return path;
  }
  return Fact<std::string>::absent();
}

Fact<std::string> find_libnvidia_ml(const base::RootFs& fs, const Environment& environment) {
  const ldso::LibrarySearch search(fs, environment);
  auto found = search.find("libnvidia-ml.so.1", {}, kMachine);
  if (found) return found->path;
  if (found.error().code == ENOENT && search.cache_problem().empty())
    return Fact<std::string>::absent("the loader finds no libnvidia-ml.so.1");
  return Fact<std::string>::unknown(found.error().message);
}

}  // namespace gpuinit::node
