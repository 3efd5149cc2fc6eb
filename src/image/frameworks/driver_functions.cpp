#include "image/frameworks/driver_functions.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "base/library_names.h"

namespace gpuinit::image {

namespace {

class Driver {
 public:
  Driver(const ldso::LibrarySearch& libraries, const Interpreter& python)
      : libraries_(libraries), python_(python.real_path), machine_(python.machine.value_or("")) {}

  // False only if the driver's library is there and surely has no such function.
  bool may_have(const std::string& function) {
    const std::string soname = function.starts_with("nvml") ? "libnvidia-ml.so.1" : "libcuda.so.1";
    const auto& library = opened(soname);
    if (!library) return true;
    const auto defined = library->elf.find_defined(function);
    return !defined || defined->has_value();
  }

 private:
  const std::optional<ldso::OpenedLibrary>& opened(const std::string& soname) {
    const auto known = by_name_.find(soname);
    if (known != by_name_.end()) return known->second;
    std::optional<ldso::OpenedLibrary> found;
    if (auto library = libraries_.open(soname, {python_, "", ""}, machine_))
      found = std::move(library).value();
    return by_name_.emplace(soname, std::move(found)).first->second;
  }

  const ldso::LibrarySearch& libraries_;
  std::string python_;
  std::string machine_;
  std::map<std::string, std::optional<ldso::OpenedLibrary>> by_name_;
};

void find_in(Driver& driver, LoadProblems& problems) {
  if (!problems.undefined_symbols) return;
  for (const UndefinedSymbol& function : problems.driver_functions)
    if (!driver.may_have(function.name)) problems.undefined_symbols->push_back(function);
}

}  // namespace

void take_driver_functions(std::vector<UndefinedSymbol>& symbols, LoadProblems& problems) {
  const auto of_driver = std::stable_partition(
      symbols.begin(), symbols.end(),
      [](const UndefinedSymbol& symbol) { return !base::is_driver_function(symbol.name); });
  std::move(of_driver, symbols.end(), std::back_inserter(problems.driver_functions));
  symbols.erase(of_driver, symbols.end());
}

void find_driver_functions(const ldso::LibrarySearch& libraries, ImageFacts& image) {
  if (!image.interpreter) return;
  Driver driver(libraries, *image.interpreter);
  if (image.loader) find_in(driver, image.loader->problems);
  if (image.frameworks)
    for (Framework& framework : image.frameworks.value()) find_in(driver, framework.problems);
  if (image.extensions)
    for (Extension& extension : image.extensions.value()) find_in(driver, extension.problems);
}

}  // namespace gpuinit::image
