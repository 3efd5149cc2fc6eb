// What the loader does for the interpreter and `import torch`, as facts.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "base/library_names.h"
#include "base/text.h"
#include "elf/string_scan.h"
#include "image/frameworks/driver_functions.h"
#include "image/frameworks/read_frameworks.h"
#include "image/packages/cut_short.h"

namespace gpuinit::image {

namespace {

using ldso::LoaderClosure;
using Symbols = Fact<std::vector<UndefinedSymbol>>;

constexpr std::size_t kMaxSymbols =
    20;  // in the facts: the first ones are enough to see what is wrong

// Where toolkits and conda put CUDA's libraries.
constexpr std::array<const char*, 4> kToolkits{
    "/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib",
    "/usr/local/cuda/targets/sbsa-linux/lib", "/usr/local/cuda/targets/aarch64-linux/lib"};

constexpr std::string_view kBuiltins = "libnvrtc-builtins.so.";

// "libnvrtc-builtins.so.12.8"; not "….so.12.8.93".
bool is_builtins(std::string_view name) {
  if (!name.starts_with(kBuiltins)) return false;
  name.remove_prefix(kBuiltins.size());
  return std::ranges::count(name, '.') == 1 &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string_view from_builtins(std::string_view text) {
  return text.substr(std::min(text.rfind(kBuiltins), text.size()));
}

class Reader {
 public:
  explicit Reader(const LoaderQuery& query)
      : query_(query), fs_(query.fs), load_(query.load), closure_(*query.load.closure) {}

  LoaderFacts read() {
    for (std::size_t i = 1; i < load_.objects; ++i) facts_.libraries.push_back(library(i));
    read_missing();
    for (const auto& missing : query_.versions.missing) {
      if (missing.needed_by >= load_.objects) continue;
      MissingVersion& version = facts_.problems.missing_versions.emplace_back(missing.version);
      version.provider = path_of(missing.provider);
      version.needed_by = path_of(missing.needed_by);
    }
    for (const std::string& problem : query_.versions.problems) facts_.notes.push_back(problem);
    facts_.problems.undefined_symbols = undefined_symbols();
    read_cudnn_parts();
    for (std::size_t i = 1; i < load_.objects; ++i)
      if (base::basename(closure_.objects()[i].name).starts_with("libnvrtc.so.")) read_builtins(i);
    return std::move(facts_);
  }

 private:
  // Of CUDA's libraries and the C++ run time images have several, and what the environment
  // decides may hide anything. For each of the 290 libraries of Debian's torch the search would
  // take longer than all the rest.
  static bool is_worth_a_search(const LoadedLibrary& library) {
    return base::is_cuda_library(library.name) || library.name.starts_with("libstdc++.so") ||
           library.name.starts_with("libgcc_s.so") || library.name.starts_with("libgomp") ||
           library.found_by.starts_with("LD_");
  }

  std::string path_of(std::size_t object) { return tidy(closure_.objects()[object].path); }

  // tidy_path(), of which many share a directory.
  std::string tidy(const std::string& path) {
    const std::string directory(base::parent(path));
    auto known = tidy_.find(directory);
    if (known == tidy_.end()) known = tidy_.emplace(directory, tidy_path(fs_, directory)).first;
    return base::join(known->second, base::basename(path));
  }

  LoadedLibrary library(std::size_t i) {
    const ldso::LoadedObject& object = closure_.objects()[i];
    LoadedLibrary library;
    library.name = base::basename(object.name);
    library.path = path_of(i);
    library.needed_by = path_of(object.asked_by);
    const bool preloaded = std::count(load_.preloaded.begin(), load_.preloaded.end(), i) != 0;
    library.found_by = preloaded ? kTorchPreload : object.found_by;
    if (base::is_cuda_library(library.name))
      library.version = version_in(base::basename(object.real_path));
    if (is_worth_a_search(library))
      for (const ldso::FoundLibrary& hidden : closure_.shadowed(i))
        library.hides.push_back(tidy(hidden.path));
    for (const std::string& path : copies_of(library.name)) {
      const bool known = std::count(library.hides.begin(), library.hides.end(), path) != 0;
      if (!known && fs_.resolve(path).value_or(path) != object.real_path)
        library.hides.push_back(path);
    }
    return library;
  }

  static std::string version_in(std::string_view file_name) {
    constexpr std::string_view kMark = ".so.";
    const auto at = file_name.find(kMark);
    return at == std::string_view::npos ? "" : std::string(file_name.substr(at + kMark.size()));
  }

  // libcudnn opens its parts when they are first used, from wherever its own search leads, which
  // LD_LIBRARY_PATH may lead elsewhere than torch's search for libcudnn: a name with its own
  // release first, then with the major version. The first four abort the process if they are not
  // there; the others are opened by the first.
  void read_cudnn_parts() {
    const std::size_t main = closure_.answering_to("libcudnn.so.9");
    if (main == LoaderClosure::kMissing || main >= load_.objects) return;
    const std::string real_path = closure_.objects()[main].real_path;
    const std::string release = version_in(base::basename(real_path));
    constexpr std::array<std::string_view, 8> kParts{"graph",
                                                     "ops",
                                                     "cnn",
                                                     "adv",
                                                     "heuristic",
                                                     "engines_precompiled",
                                                     "engines_runtime_compiled",
                                                     "engines_tensor_ir"};
    for (std::size_t i = 0; i < kParts.size(); ++i) {
      const std::string stem = "libcudnn_" + std::string(kParts[i]) + ".so.";
      const std::string name = stem + "9";
      auto found = closure_.find(stem + release, main);
      if (!found && release != "9") found = closure_.find(name, main);
      if (!found) {
        if (i < 4 && !is_unread(found.error().code))
          facts_.missing_later.push_back(
              {name, path_of(main), found.error().message, elsewhere(name)});
        continue;
      }
      if (base::parent(found->real_path) == base::parent(real_path)) continue;
      LoadedLibrary& library = facts_.libraries.emplace_back();
      library.name = name;
      library.path = tidy(found->path);
      library.needed_by = path_of(main);
      library.found_by = found->found_by;
      library.version = version_in(base::basename(found->real_path));
      for (const ldso::FoundLibrary& other : closure_.candidates(name, main))
        if (other.real_path != found->real_path) library.hides.push_back(tidy(other.path));
    }
  }

  // libnvrtc opens them when it first compiles, by one name that is among its constants; under that
  // name those of another place or patch release serve as well. The constants are 12 MB: they are
  // read only where no such file lies beside it.
  void read_builtins(std::size_t nvrtc) {
    const ldso::LoadedObject& object = closure_.objects()[nvrtc];
    std::set<std::string> names;
    for (const std::string& name : fs_.list(base::parent(object.real_path)).value_or({}))
      if (is_builtins(name)) names.insert(name);
    if (names.size() != 1) {
      auto constants = elf::scan_strings(object.elf, {kBuiltins}, [](std::string_view text) {
        return is_builtins(from_builtins(text));
      });
      if (!constants) return;
      names.clear();
      for (const std::string& text : *constants) names.emplace(from_builtins(text));
      if (names.size() != 1) return;
    }
    const std::string& name = *names.begin();
    if (closure_.answering_to(name) != LoaderClosure::kMissing) return;
    if (auto found = closure_.find(name, nvrtc); !found && !is_unread(found.error().code))
      facts_.missing_later.push_back(
          {name, path_of(nvrtc), found.error().message, elsewhere(name)});
  }

  void read_missing() {
    for (const MissingLibrary& missing : load_.not_opened)
      facts_.problems.missing.push_back(missing);
    for (const ldso::LoadFailure& missing : closure_.missing()) {
      if (missing.needed_by >= load_.objects) continue;
      if (missing.is_preload) {
        facts_.notes.push_back("preload of " + missing.name + ": " + missing.reason);
        continue;
      }
      const bool is_new =
          std::none_of(facts_.problems.missing.begin(), facts_.problems.missing.end(),
                       [&](const MissingLibrary& known) { return known.name == missing.name; });
      if (is_new)
        facts_.problems.missing.push_back({missing.name, path_of(missing.needed_by),
                                           reason_of(fs_, missing), elsewhere(missing.name)});
    }
    if (!load_.failed_preload.empty())
      facts_.notes.push_back("torch's preload: " + load_.failed_preload +
                             " is in no nvidia/*/lib of sys.path");
  }

  // The loader resolves all functions of what Python opens at once (RTLD_NOW). Looked at are
  // those between CUDA's libraries, and those that torch asks of CUDA's libraries: torch's
  // own come in one wheel and fit each other, and for the system's the versions say enough.
  Symbols undefined_symbols() {
    if (const auto& missing = facts_.problems.missing; !missing.empty())
      return Symbols::unknown("cannot tell without " + missing.front().name);
    std::vector<UndefinedSymbol> all;
    for (std::size_t i = 1; i < load_.objects; ++i) {
      const ldso::LoadedObject& object = closure_.objects()[i];
      if (object.loaded_for == LoaderClosure::kProgram) continue;
      const std::string_view name = base::basename(object.name);
      const bool of_cuda = base::is_cuda_library(name);
      if (!of_cuda && !base::is_torch_library(name)) continue;
      // Of C only, and without the interpreter's (Torch::missing_python_symbols) and C++'s own.
      const bool unversioned = of_cuda || asks_without_version(object);
      auto symbols = query_.symbols.undefined(
          i, [&](std::string_view symbol) { return of_cuda || !is_of_run_time(symbol); },
          [&](std::string_view version) {
            return version.empty() ? unversioned : base::is_cuda_library(version);
          },
          of_cuda ? elf::SymbolTable::Names::kAll : elf::SymbolTable::Names::kUnmangled);
      if (!symbols) return Symbols::unknown(symbols.error().message);
      for (UndefinedSymbol& symbol : *symbols) symbol.needed_by = path_of(i);
      take_driver_functions(*symbols, facts_.problems);
      for (UndefinedSymbol& symbol : *symbols) {
        if (all.size() >= kMaxSymbols) break;
        all.push_back(std::move(symbol));
      }
    }
    return all;
  }

  static bool is_of_run_time(std::string_view symbol) {
    return symbol.starts_with("Py") || symbol.starts_with("_Py") || symbol.starts_with("__cxa_") ||
           symbol.starts_with("__gxx_");
  }

  // Whether a library of torch needs one of CUDA's and names no version of it: NCCL, cuSPARSELt
  // and cuFile have none. What it asks of these is among the thousands of names without a version
  // that it asks of the rest of torch; the other libraries' are not worth the reading.
  bool asks_without_version(const ldso::LoadedObject& object) {
    const auto versions = object.elf.needed_versions();
    return std::ranges::any_of(object.dynamic.needed, [&](const std::string& needed) {
      return base::is_cuda_library(needed) && !base::is_driver_library(needed) &&
             (!versions ||
              std::ranges::find(*versions, needed, &elf::VersionNeed::file) == versions->end());
    });
  }

  // Files of that name in the places where CUDA's libraries are installed.
  std::vector<std::string> copies_of(const std::string& name) {
    if (!base::is_cuda_library(name)) return {};
    return query_.wheels.files(name);
  }

  std::vector<std::string> elsewhere(const std::string& name) {
    if (name.find('/') != std::string::npos) return {};
    std::vector<std::string> found = copies_of(name);
    std::vector<std::string> directories(kToolkits.begin(), kToolkits.end());
    if (!query_.prefix.empty()) directories.push_back(base::join(query_.prefix, "lib"));
    for (const std::string& directory : directories) {
      std::string path = base::join(directory, name);
      if (fs_.is_file(path)) found.push_back(std::move(path));
    }
    return found;
  }

  const LoaderQuery& query_;
  const base::RootFs& fs_;
  const TorchLoad& load_;
  const LoaderClosure& closure_;
  std::map<std::string, std::string> tidy_;  // directory → tidy_path of it
  LoaderFacts facts_;
};

}  // namespace

LoaderFacts read_loader(const LoaderQuery& query) { return Reader(query).read(); }

}  // namespace gpuinit::image
