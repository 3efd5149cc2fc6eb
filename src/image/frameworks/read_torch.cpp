// Everything about the torch that the command imports, as facts.
#include <algorithm>
#include <array>

#include "image/frameworks/compiled_for.h"
#include "image/frameworks/read_frameworks.h"
#include "image/frameworks/torch_libraries.h"
#include "image/frameworks/torch_metadata.h"
#include "image/frameworks/torch_search.h"
#include "image/python/python_binary.h"
#include "image/python/read_soabi.h"
#include "rules/tables/package_releases.h"
#include "rules/version.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;
using Texts = Fact<std::vector<std::string>>;
constexpr std::uint64_t kMaxVersionFile = 64ULL * 1024;

// Packages in torch/ without any of which `import torch` ends, in 2.8.0 and 2.15.0; all of them are
// in every 1.9 and later.
constexpr std::array<std::string_view, 11> kParts{
    "torch/autograd", "torch/backends", "torch/cuda", "torch/distributed",
    "torch/fx",       "torch/jit",      "torch/nn",   "torch/optim",
    "torch/sparse",   "torch/testing",  "torch/utils"};

Torch placed(const FoundTorch& found) {
  Torch torch;
  torch.path = found.path;
  torch.sys_path_entry = found.entry;
  torch.shadowed = found.shadowed;
  return torch;
}

class Reader {
 public:
  Reader(const TorchQuery& query, const FoundTorch& found)
      : query_(query), fs_(query.fs), torch_(placed(found)) {}

  ReadTorch read() {
    read_version();
    if (torch_.cuda.known() && query_.cuda_is_known) query_.cuda_is_known();
    read_metadata();
    read_extensions();
    const std::string extension = extensions_.empty() ? "" : extensions_.front();
    const std::string cuda = torch_.cuda.value_or("");
    TorchLoad load =
        load_torch({fs_, query_.libraries, query_.environment, query_.python.facts.real_path,
                    torch_.path, extension, query_.python.sys_path.entries, cuda});
    libraries_ = find_torch_libraries(fs_, torch_.path, extension, torch_.cuda.known(), load);
    judge_extension();
    read_abi();
    read_missing_files(load.lacks_global_deps);
    read_cuda();
    ReadTorch result;
    result.cuda_runtime = torch_.cuda.is_absent()
                              ? Fact<CudaRuntime>::absent("torch is not a CUDA build")
                              : find_cuda_runtime(fs_, load);
    result.load = std::move(load);
    result.torch = std::move(torch_);
    return result;
  }

 private:
  void read_version() {
    auto text = fs_.read_file(base::join(torch_.path, "version.py"), kMaxVersionFile);
    if (!text) {
      torch_.version = torch_.cuda = torch_.hip = Text::unknown(text.error().message);
      return;
    }
    TorchVersion version = parse_torch_version(*text);
    torch_.version = std::move(version.version);
    torch_.cuda = std::move(version.cuda);
    torch_.hip = std::move(version.hip);
  }

  void read_metadata() {
    metadata_ = read_torch_metadata(fs_, torch_.sys_path_entry, torch_.version);
    torch_.metadata_version = metadata_.version;
    torch_.wheel_tags = metadata_.wheel_tags;
    torch_.layout = torch_layout(fs_, torch_.sys_path_entry, metadata_, torch_.version,
                                 query_.python.facts.prefix.value_or(""), query_.environment);
  }

  // The names of `_C.*.so`, the one for this interpreter first.
  void read_extensions() {
    auto names = fs_.list(torch_.path);
    if (!names) {
      torch_.soabi = Text::unknown(names.error().message);
      return;
    }
    for (const std::string_view part : kParts)
      if (std::find(names->begin(), names->end(), part.substr(6)) == names->end())
        lost_.emplace_back(part);
    for (const std::string& name : *names)
      if (name.starts_with("_C.") && name.ends_with(".so")) extensions_.push_back(name);
    const std::string own = "_C." + query_.python.facts.soabi.value_or("") + ".so";
    if (const auto first = std::find(extensions_.begin(), extensions_.end(), own);
        first != extensions_.end())
      std::iter_swap(first, extensions_.begin());
    for (const std::string& name : extensions_)
      if (const auto soabi = soabi_of_extension(name, "_C"); !soabi.empty())
        torch_.soabis.push_back(soabi);
    std::sort(torch_.soabis.begin(), torch_.soabis.end());
    if (extensions_.empty()) {
      torch_.soabi = Text::absent("no _C.*.so in " + torch_.path);
    } else if (const auto soabi = soabi_of_extension(extensions_[0], "_C"); soabi.empty()) {
      torch_.soabi = Text::unknown(extensions_[0] + " carries no ABI tag");
    } else {
      torch_.soabi = soabi;
    }
  }

  void judge_extension() {
    const TorchLibrary* extension =
        extensions_.empty() ? nullptr
                            : libraries_.find(extensions_[0].substr(0, extensions_[0].find(".so")));
    if (extension == nullptr) {
      const std::string reason =
          extensions_.empty() ? "no _C.*.so" : extensions_[0] + " cannot be read";
      torch_.machine = Text::unknown(reason);
      torch_.exports_init = Fact<bool>::unknown(reason);
      return;
    }
    torch_.machine = extension->elf.machine();
    auto symbol = extension->elf.find_defined("PyInit__C");
    torch_.exports_init =
        symbol ? Fact<bool>(symbol->has_value()) : Fact<bool>::unknown(symbol.error().message);
  }

  void read_abi() {
    const TorchLibrary* python = libraries_.find("libtorch_python");
    if (python == nullptr) {
      torch_.missing_python_symbols = Texts::unknown("no libtorch_python to look into");
    } else if (!query_.python.binary) {
      torch_.missing_python_symbols = Texts::unknown("the interpreter was not identified");
    } else {
      torch_.missing_python_symbols =
          missing_python_symbols(python->elf, *query_.python.binary, query_.libraries);
    }
    torch_.cxx11_abi = read_cxx11_abi();
    if (python == nullptr) {
      torch_.numpy_abi = Text::unknown("no libtorch_python to look into");
      torch_.arch_list = Texts::unknown("no libtorch_python to read it from");
    } else {
      TorchConstants constants = read_torch_constants(*python, !torch_.cuda.is_absent());
      torch_.numpy_abi = std::move(constants.numpy_abi);
      torch_.arch_list = std::move(constants.arch_list);
    }
    if (torch_.cuda.is_absent()) torch_.arch_list = Texts::absent("torch is not a CUDA build");
  }

  // By the mangled names: std::string is "Ss" in the old ABI and
  // "__cxx11::basic_string" in the new. c10::Error has one in its constructors.
  Fact<bool> read_cxx11_abi() const {
    const TorchLibrary* c10 = libraries_.find("libc10");
    if (c10 == nullptr) return Fact<bool>::unknown("no libc10 to look into");
    constexpr std::string_view kError = "_ZN3c105ErrorC1ENS_14SourceLocationE";
    for (const auto& [string, is_new] :
         {std::pair{"NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", true},
          std::pair{"Ss", false}}) {
      auto symbol = c10->elf.find_defined(std::string(kError) + string);
      if (symbol && symbol->has_value()) return is_new;
    }
    auto symbols = c10->elf.symbols_with_prefix({"_ZN3c10"});
    if (!symbols) return Fact<bool>::unknown(symbols.error().message);
    for (const auto& symbol : *symbols)
      if (symbol.name.find("St7__cxx1112basic_string") != std::string::npos) return true;
    return Fact<bool>::unknown("no function of libc10 takes a string");
  }

  void read_missing_files(bool lacks_global_deps) {
    std::vector<std::string> missing;
    if (!fs_.is_file(base::join(torch_.path, "__init__.py")) &&
        !fs_.is_file(base::join(torch_.path, "__init__.pyc")))
      missing.emplace_back("torch/__init__.py");
    if (!fs_.is_file(base::join(torch_.path, "version.py")) &&
        !fs_.is_file(base::join(torch_.path, "version.pyc")))
      missing.emplace_back("torch/version.py");
    if (extensions_.empty()) missing.emplace_back("torch/_C.*.so");
    // Where most are lost this is no torch of the usual form: nothing is said of its parts.
    if (2 * lost_.size() < kParts.size()) {
      missing.insert(missing.end(), lost_.begin(), lost_.end());
      add_missing_modules(missing);
    }
    if (lacks_global_deps && uses_global_deps())
      missing.emplace_back("torch/lib/libtorch_global_deps.so");
    missing.insert(missing.end(), libraries_.missing.begin(), libraries_.missing.end());

    auto recorded = recorded_libraries(fs_, metadata_);
    if (recorded) {
      for (const std::string& path : *recorded) {
        const std::string name(base::basename(path));
        const bool known = std::find(missing.begin(), missing.end(), name) != missing.end();
        if (!known && !fs_.is_file(base::join(torch_.sys_path_entry, path)))
          missing.push_back(path);
      }
    }
    if (missing.empty() && !libraries_.problem.empty()) {
      torch_.missing_files = Texts::unknown(libraries_.problem);
    } else if (missing.empty() && !recorded) {
      torch_.missing_files = Texts::unknown(recorded.error().message);
    } else {
      torch_.missing_files = std::move(missing);
    }
  }

  // A build may be told to do without.
  bool uses_global_deps() const {
    const auto text = fs_.read_file(base::join(torch_.path, "_utils_internal.py"), kMaxVersionFile);
    return text && text->find("\nUSE_GLOBAL_DEPS = True") != std::string::npos;
  }

  // What `import torch` imports from outside of torch/ and cannot do without.
  void add_missing_modules(std::vector<std::string>& missing) const {
    const auto version = rules::parse_version(torch_.version.value_or(""));
    const auto with_them = rules::parse_version_range(rules::tables::kTorchImportsTorchgen);
    if (!version || !with_them->contains(*version) || query_.python.sys_path.open_ended) return;
    for (const char* module : {"torchgen", "typing_extensions"}) {
      bool found = is_module_in(torch_.sys_path_entry, module);
      for (const std::string& entry : query_.python.sys_path.entries)
        found = found || is_module_in(entry, module);
      if (!found) missing.emplace_back(module);
    }
  }

  // True for a zip file too, which is not looked into.
  bool is_module_in(const std::string& entry, const char* module) const {
    const std::string path = base::join(entry, module);
    return fs_.is_file(path + ".py") || fs_.is_directory(path) || fs_.is_file(path + ".pyc") ||
           !fs_.is_directory(entry);
  }

  void read_cuda() {
    torch_.device_code = read_device_code(libraries_);
    if (!torch_.device_code.is_absent() || !torch_.cuda) return;
    const bool damaged = std::any_of(
        libraries_.missing.begin(), libraries_.missing.end(), [](const std::string& name) {
          return name.find("libtorch_cuda") != std::string::npos && name.ends_with(')');
        });
    if (damaged || !libraries_.problem.empty())
      torch_.device_code = Fact<DeviceCode>::unknown("libtorch_cuda cannot be read");
  }

  const TorchQuery& query_;
  const base::RootFs& fs_;
  Torch torch_;
  TorchMetadata metadata_;
  std::vector<std::string> extensions_;
  std::vector<std::string> lost_;  // of kParts
  TorchLibraries libraries_;
};

// A module called torch that is not a package: nothing can be said of its PyTorch.
Torch bare_module(const FoundTorch& found) {
  const std::string reason = found.path + " is a module of its own";
  Torch torch = placed(found);
  for (Text* fact : {&torch.layout, &torch.version, &torch.metadata_version, &torch.cuda,
                     &torch.hip, &torch.soabi, &torch.machine, &torch.numpy_abi})
    *fact = Text::unknown(reason);
  for (Texts* fact :
       {&torch.missing_python_symbols, &torch.wheel_tags, &torch.missing_files, &torch.arch_list})
    *fact = Texts::unknown(reason);
  torch.exports_init = Fact<bool>::unknown(reason);
  torch.cxx11_abi = Fact<bool>::unknown(reason);
  torch.device_code = Fact<DeviceCode>::unknown(reason);
  return torch;
}

}  // namespace

ReadTorch read_torch(const TorchQuery& query) {
  const Interpreter& python = query.python.facts;
  ReadTorch result;
  const auto without_torch = [&](Fact<Torch> torch, Fact<CudaRuntime> runtime) {
    result.torch = std::move(torch);
    result.cuda_runtime = std::move(runtime);
    result.load = load_program(query.fs, query.libraries, query.environment, python.real_path);
    return std::move(result);
  };
  if (!python.sys_path)
    return without_torch(Fact<Torch>::unknown("sys.path is not known: " + python.sys_path.reason()),
                         Fact<CudaRuntime>::unknown("sys.path is not known"));
  const FoundTorch found = find_torch(query.fs, *python.sys_path, python.soabi.value_or(""));
  if (!found.found()) {
    if (query.python.sys_path.open_ended)
      return without_torch(Fact<Torch>::unknown("nothing on sys.path is called torch, but " +
                                                query.python.sys_path.notes.front()),
                           Fact<CudaRuntime>::unknown("it is not known whether there is a torch"));
    std::string reason = "nothing on sys.path is called torch";
    if (!found.bare_directory.empty())
      reason += "; " + found.bare_directory + " has no __init__.py";
    return without_torch(Fact<Torch>::absent(reason),
                         Fact<CudaRuntime>::absent("there is no torch"));
  }
  if (!found.package)
    return without_torch(bare_module(found),
                         Fact<CudaRuntime>::unknown(found.path + " is not a package"));
  return Reader(query, found).read();
}

}  // namespace gpuinit::image
