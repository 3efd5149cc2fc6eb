#include "image/read_python_image.h"

#include <utility>

#include "image/extensions/extension_loading.h"
#include "image/extensions/extensions.h"
#include "image/extensions/torch_imports.h"
#include "image/frameworks/read_frameworks.h"
#include "image/packages/distributions.h"
#include "image/python/read_interpreter.h"

namespace gpuinit::image {

namespace {

// What the loader makes of torch and then of the extensions, one process for all.
void read_loading(const ImageQuery& query, TorchLoad load, const std::vector<std::string>& sys_path,
                  const NeededNames& needed, ImageFacts& facts) {
  if (load.problem.empty()) load.problem = load.unknown_because;
  if (!load.closure || !load.problem.empty()) {
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
  const ldso::VersionCheck versions = ldso::check_versions(*load.closure);
  ldso::SymbolCheck symbols(*load.closure);
  facts.loader = read_loader(
      {query.fs, load, versions, symbols, wheels, facts.interpreter->prefix.value_or("")});
  if (extensions) extensions->find_problems(symbols, versions);
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
  FoundExtensions extensions =
      read_extensions({query.fs, libraries, python.facts, query.extensions});
  if (torch.torch) add_torch_imports(query.fs, python.facts, *torch.torch, extensions);
  facts.extensions = std::move(extensions.facts);
  facts.interpreter = std::move(python.facts);
  facts.torch = std::move(torch.torch);
  facts.cuda_runtime = std::move(torch.cuda_runtime);
  read_loading(query, std::move(torch.load), python.sys_path.entries, extensions.needed, facts);
}

}  // namespace gpuinit::image
