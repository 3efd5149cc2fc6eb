#include "image/read_python_image.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "image/extensions/extension_loading.h"
#include "image/extensions/extensions.h"
#include "image/extensions/torch_imports.h"
#include "image/frameworks/python_frameworks.h"
#include "image/frameworks/read_frameworks.h"
#include "image/packages/distributions.h"
#include "image/python/read_interpreter.h"

namespace gpuinit::image {

namespace {

// The release of the closure's libc.so.6, by the highest version that it defines.
Fact<std::string> glibc_of(const ldso::LoaderClosure& closure) {
  constexpr std::string_view kRelease = "GLIBC_2.";
  const std::size_t at = closure.answering_to("libc.so.6");
  if (at == ldso::LoaderClosure::kMissing)
    return Fact<std::string>::absent("no libc.so.6 is loaded");
  const auto versions = closure.objects()[at].elf.defined_versions();
  if (!versions) return Fact<std::string>::unknown(versions.error().message);
  std::uint64_t newest = 0;
  if (*versions)
    for (const elf::VersionDefinition& version : **versions)
      if (version.name.starts_with(kRelease))
        newest = std::max(
            newest,
            base::parse_number(std::string_view(version.name).substr(kRelease.size())).value_or(0));
  if (newest == 0) return Fact<std::string>::unknown("libc.so.6 defines no release of glibc");
  return "2." + std::to_string(newest);
}

void read_cpu_level(const ldso::LoaderClosure& closure, ImageFacts& facts) {
  const std::size_t at = closure.most_demanding();
  if (at == ldso::LoaderClosure::kMissing) {
    facts.cpu_level = Fact<std::string>::absent("no file asks for one");
    return;
  }
  const ldso::LoadedObject& object = closure.objects()[at];
  facts.cpu_level = "x86-64-v" + std::to_string(object.dynamic.cpu_level);
  facts.cpu_level_of = object.real_path;
}

// What the loader makes of torch and then of the extensions and frameworks, one process for all.
void read_loading(const ImageQuery& query, TorchLoad load, const std::vector<std::string>& sys_path,
                  const NeededNames& needed, PythonFrameworks& frameworks, ImageFacts& facts) {
  if (load.closure) {
    facts.glibc = glibc_of(*load.closure);
    read_cpu_level(*load.closure, facts);
  } else {
    facts.glibc = facts.cpu_level = Fact<std::string>::unknown(load.unknown_because);
  }
  if (load.problem.empty()) load.problem = load.unknown_because;
  if (!load.closure || !load.problem.empty()) {
    facts.frameworks = frameworks.finish(load.problem);
    facts.loader = Fact<LoaderFacts>::unknown(load.problem);
    if (facts.extensions)
      for (Extension& extension : facts.extensions.value())
        extension.problems.undefined_symbols =
            Fact<std::vector<UndefinedSymbol>>::unknown(load.problem);
    return;
  }
  WheelLibraries wheels(query.fs, sys_path);
  std::optional<ExtensionLoading> extensions;
  if (facts.extensions && facts.torch)
    extensions.emplace(query.fs, wheels, *load.closure, *facts.interpreter, needed,
                       facts.extensions.value());
  std::optional<ExtensionLoading> of_frameworks;
  if (!frameworks.empty()) {
    frameworks.open_wheels(*load.closure, wheels);
    of_frameworks.emplace(query.fs, wheels, *load.closure, *facts.interpreter, frameworks.needed(),
                          frameworks.libraries());
    frameworks.open_by_name(*load.closure, wheels);
  }
  const ldso::VersionCheck versions = ldso::check_versions(*load.closure);
  ldso::SymbolCheck symbols(*load.closure);
  facts.loader = read_loader(
      {query.fs, load, versions, symbols, wheels, facts.interpreter->prefix.value_or("")});
  if (extensions) extensions->find_problems(symbols, versions);
  if (of_frameworks) of_frameworks->find_problems(symbols, versions);
  facts.frameworks = frameworks.finish("");
}

// Which packages own a file that another one owns too.
void add_contested(const std::vector<ContestedFile>& files, Fact<std::vector<Package>>& packages) {
  if (!packages) return;
  for (const ContestedFile& file : files)
    for (Package& package : packages.value()) {
      if (package.path != file.dist_info) continue;
      package.contested.push_back(file.path);
      if (!file.there) package.overwritten.push_back(file.path);
    }
}

}  // namespace

void read_python_image(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                       ChosenPython chosen, ImageFacts& facts,
                       std::optional<PythonStart>* started) {
  const base::Environment environment = chosen.start.environment;
  ReadInterpreter python = read_interpreter(query.fs, chosen.start, std::move(chosen.binary));
  python.facts.chosen_because = chosen.because;
  python.facts.from_command = chosen.followed;
  if (query.sys_path_is_known && python.facts.sys_path)
    query.sys_path_is_known(*python.facts.sys_path);
  ReadTorch torch = read_torch({query.fs, libraries, python, environment, query.cuda_is_known});
  if (started != nullptr) {
    chosen.start.libpython = find_libpython(query.fs, python);
    chosen.start.release = plain_release(python.facts.soabi.value_or(""));
    *started = std::move(chosen.start);
  }
  facts.packages = read_distributions(query.fs, python.facts.sys_path);
  const std::vector<Package> no_packages;
  const std::vector<Package>& packages = facts.packages ? *facts.packages : no_packages;
  FoundExtensions extensions =
      read_extensions({query.fs, libraries, python.facts, packages, query.extensions});
  if (torch.torch) add_torch_imports(query.fs, python.facts, *torch.torch, extensions);
  PythonFrameworks frameworks(query.fs, libraries, packages, extensions);
  add_contested(extensions.contested, facts.packages);
  facts.extensions = std::move(extensions.facts);
  facts.interpreter = std::move(python.facts);
  facts.torch = std::move(torch.torch);
  facts.cuda_runtime = std::move(torch.cuda_runtime);
  read_loading(query, std::move(torch.load), python.sys_path.entries, extensions.needed, frameworks,
               facts);
}

}  // namespace gpuinit::image
