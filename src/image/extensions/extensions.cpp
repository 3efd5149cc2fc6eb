#include "image/extensions/extensions.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/directory.h"
#include "base/library_names.h"
#include "elf/fatbin.h"
#include "elf/symbol_table.h"
#include "image/frameworks/compiled_for.h"
#include "image/python/read_soabi.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;

// What can be said of an extension by the names that it asks others for.
struct Asks {
  Fact<bool> cxx11_abi;
  bool capsules = true;  // PyCapsule_…, without which no C API of NumPy is imported
};

// std::string is "Ss" in the mangled names of the old ABI and "__cxx11::basic_string" in those
// of the new.
Asks read_asks(elf::SymbolTable& table) {
  Asks asks;
  constexpr std::array<std::string_view, 7> kStarts{
      "_ZN3c10", "_ZNK3c10", "_ZN2at", "_ZNK2at", "_ZN5torch", "_ZNK5torch", "PyCapsule_"};
  auto symbols = table.undefined([&](std::string_view name) {
    // Asked of thousands of names.
    if (name.size() < 4 || (name[0] != 'P' && name[2] != 'N')) return false;
    return std::any_of(kStarts.begin(), kStarts.end(),
                       [&](std::string_view start) { return name.starts_with(start); });
  });
  if (!symbols) {
    asks.cxx11_abi = Fact<bool>::unknown(symbols.error().message);
    return asks;
  }
  asks.cxx11_abi = Fact<bool>::absent("no torch symbol that it asks for has a string");
  asks.capsules = false;
  for (const elf::SymbolReference& symbol : *symbols) {
    const std::string_view name = symbol.name;
    if (name.starts_with("Py")) asks.capsules = true;
    else if (name.find("St7__cxx1112basic_string") != std::string::npos) asks.cxx11_abi = true;
    else if (!asks.cxx11_abi && (name.ends_with("Ss") || name.find("RKSs") != std::string::npos))
      asks.cxx11_abi = false;
  }
  return asks;
}

Fact<DeviceCode> read_code(const elf::ElfFile& elf, const std::string& path) {
  DeviceCode code{{path}, {}, {}};
  const auto containers = elf::read_fatbins(elf, code);
  if (!containers) return Fact<DeviceCode>::unknown(containers.error().message);
  if (*containers == 0) return Fact<DeviceCode>::absent("it carries no device code");
  return code;
}

// "_C.cpython-312-x86_64-linux-gnu.so" → "cpython-312-…"
Text soabi_of(std::string_view name) {
  const std::string stem(name.substr(0, name.find('.')));
  std::string soabi = soabi_of_extension(std::string(name), stem);
  if (soabi.empty()) return Text::absent("its name has no ABI tag");
  return soabi;
}

// The function that Python calls when it imports the file of that name: PyInit_NAME, in
// Python 2 initNAME. Source: CPython, Python/importdl.c.
Text init_function_of(const elf::ElfFile& elf, std::string_view file_name) {
  const std::string name(file_name.substr(0, file_name.find('.')));
  for (const char* prefix : {"PyInit_", "init"}) {
    const auto found = elf.find_defined(prefix + name);
    if (!found) return Text::unknown(found.error().message);
    if (*found) return prefix + name;
  }
  return Text::absent("it has no PyInit_" + name);
}

// Python imports files of such names: "pybind.cpython-311-x86_64-linux-gnu.so".
bool is_module(std::string_view name) {
  return name.find(".cpython-") != std::string_view::npos || name.ends_with(".abi3.so");
}

Extension describe(const ExtensionFile& file) {
  Extension extension;
  extension.path = file.path();
  const auto slash = file.relative.find('/');
  extension.package = slash == std::string::npos ? file.relative.substr(0, file.relative.find('.'))
                                                 : file.relative.substr(0, slash);
  extension.distribution = file.distribution;
  extension.asked_for = file.asked_for;
  extension.soabi = soabi_of(base::basename(file.relative));
  return extension;
}

// `needed` is all of its DT_NEEDED.
std::optional<Extension> read_one(const base::Directory& directory, const ExtensionFile& file,
                                  const ldso::LibrarySearch& libraries,
                                  std::vector<std::string>& needed) {
  auto opened = directory.open_file(std::string(base::basename(file.relative)));
  if (!opened)
    return file.asked_for ? std::optional(unread_extension(file, opened.error().message))
                          : std::nullopt;
  const auto source = std::make_shared<const base::FileSource>(std::move(opened).value());
  source->expect_random_access();  // no read-ahead for a few headers
  auto elf = elf::ElfFile::open(source);
  auto dynamic = elf ? elf->dynamic() : Result<elf::Dynamic>(elf.error());
  if (!dynamic)
    return file.asked_for ? std::optional(unread_extension(file, dynamic.error().message))
                          : std::nullopt;
  needed = std::move(dynamic->needed);
  std::vector<std::string> needs;
  for (const std::string& name : needed)
    if (base::is_torch_library(name) || base::is_cuda_library(name)) needs.push_back(name);
  if (needs.empty() && !file.asked_for) return std::nullopt;

  Extension extension = describe(file);
  extension.needs = std::move(needs);
  extension.machine = elf->machine();
  extension.init_function = init_function_of(*elf, base::basename(file.relative));
  libraries.keep(extension.path, *source, *elf);
  Asks asks = read_asks(libraries.symbols_of(*elf));
  extension.cxx11_abi = std::move(asks.cxx11_abi);
  extension.numpy_abi =
      asks.capsules ? read_numpy_abi(*elf) : Text::absent("it does not use NumPy's C API");
  extension.device_code = read_code(*elf, extension.path);
  return extension;
}

}  // namespace

Extension unread_extension(const ExtensionFile& file, const std::string& reason) {
  Extension extension = describe(file);
  extension.machine = extension.numpy_abi = extension.init_function = Text::unknown(reason);
  extension.cxx11_abi = Fact<bool>::unknown(reason);
  extension.problems.undefined_symbols = Fact<std::vector<UndefinedSymbol>>::unknown(reason);
  extension.device_code = Fact<DeviceCode>::unknown(reason);
  return extension;
}

FoundExtensions read_extensions(const ExtensionQuery& query) {
  const auto& sys_path = query.python.sys_path;
  if (!sys_path)
    return {Fact<std::vector<Extension>>::unknown("sys.path is not known: " + sys_path.reason()),
            {},
            {}};
  std::vector<Extension> extensions;
  NeededNames needed;
  std::vector<std::string> independent;      // directories with a module that needs neither
  std::optional<base::Directory> directory;  // of the file before: they come sorted
  FoundFiles found = find_extension_files(query.fs, *sys_path, query.packages, query.scope);
  for (const ExtensionFile& file : found.extensions) {
    const std::string place(base::parent(file.path()));
    if (!directory || directory->path() != place) {
      auto opened = base::Directory::open(query.fs, place);
      if (!opened) continue;
      directory = std::move(opened).value();
    }
    std::vector<std::string> names;
    auto extension = read_one(*directory, file, query.libraries, names);
    if (!extension && !names.empty() && is_module(file.relative) &&
        (independent.empty() || independent.back() != place))
      independent.push_back(place);
    if (!extension) continue;
    extensions.push_back(*std::move(extension));
    needed.push_back(std::move(names));
  }
  for (Extension& one : extensions)
    if (one.init_function.is_absent())
      one.beside_independent = std::find(independent.begin(), independent.end(),
                                         base::parent(one.path)) != independent.end();
  return {std::move(extensions), std::move(needed), std::move(found.contested)};
}

}  // namespace gpuinit::image
