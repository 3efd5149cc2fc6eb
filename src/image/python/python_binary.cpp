#include "image/python/python_binary.h"

#include <algorithm>
#include <array>

#include "elf/symbol_table.h"

namespace gpuinit::image {

namespace {

// What `python` hands its command line to: 3.8 and later, 3.6 and older, 3.7.
constexpr std::array<std::string_view, 3> kMains{"Py_BytesMain", "Py_Main", "_Py_UnixMain"};

Result<bool> exports_main(const elf::ElfFile& elf) {
  for (const std::string_view name : kMains) {
    auto symbol = elf.find_defined(name);
    if (!symbol) return std::move(symbol).error();
    if (*symbol) return true;
  }
  return false;
}

// Other programs embed Python (uwsgi, blender) and link libpython as well, but
// only the interpreter itself hands its whole command line to it.
Result<bool> imports_main(const elf::ElfFile& elf) {
  for (const std::string_view name : kMains) {
    auto symbols = elf.symbols_with_prefix({name});
    if (!symbols) return std::move(symbols).error();
    for (const auto& symbol : *symbols)
      if (!symbol.defined && symbol.name == name) return true;
  }
  return false;
}

std::string libc_of(const std::optional<std::string>& loader) {
  if (!loader) return "static";
  if (loader->find("ld-musl") != std::string::npos) return "musl";
  if (loader->find("/ld-linux") != std::string::npos) return "glibc";
  return *loader;
}

// musl's loader has its own, shorter search: RPATH, LD_LIBRARY_PATH, then fixed
// directories. Source: musl, ldso/dynlink.c.
Result<ldso::FoundLibrary> find_libpython(const base::RootFs& fs, const std::string& soname,
                                          const ldso::Requester& requester,
                                          const std::string& machine, bool musl,
                                          const ldso::LibrarySearch& libraries) {
  auto found = libraries.find(soname, requester, machine);
  if (found || !musl) return found;
  for (const char* directory : {"/lib", "/usr/local/lib", "/usr/lib"}) {
    const std::string path = base::join(directory, soname);
    if (!fs.is_file(path)) continue;
    return ldso::FoundLibrary{path, fs.resolve(path).value_or(path), "musl's default directory"};
  }
  return found;
}

using Symbols = Fact<std::vector<std::string>>;
constexpr std::string_view kPublic = "Py", kPrivate = "_Py";

// Whether it has any symbol of the C API.
Result<bool> has_exports(const elf::ElfFile& elf) {
  auto symbols = elf.symbols_with_prefix({kPublic, kPrivate});
  if (!symbols) return std::move(symbols).error();
  return std::any_of(symbols->begin(), symbols->end(), [](const auto& one) { return one.defined; });
}

}  // namespace

bool is_python_name(std::string_view program) {
  std::string_view name = base::basename(program);
  if (!name.starts_with("python") && !name.starts_with("pypy")) return false;
  name.remove_prefix(name.starts_with("python") ? 6 : 4);
  return name.empty() || name[0] == '-' || (name[0] >= '0' && name[0] <= '9');
}

Result<std::optional<PythonBinary>> PythonBinary::open(const base::RootFs& fs,
                                                       const std::string& path,
                                                       const ldso::LibrarySearch& libraries) {
  auto program = elf::ElfFile::open(fs, path);
  if (!program) return std::move(program).error();
  auto dynamic = program->dynamic();
  if (!dynamic) return std::move(dynamic).error();
  auto loader = program->interpreter();
  if (!loader) return std::move(loader).error();

  std::string library;
  bool pypy = false;
  for (const std::string& needed : dynamic->needed) {
    if (needed.starts_with("libpypy")) pypy = true;
    if (needed.starts_with("libpypy") || needed.starts_with("libpython")) library = needed;
  }
  if (!pypy) {
    auto python = exports_main(*program);
    if (python && !*python && !library.empty())
      python = is_python_name(path) ? Result<bool>(true) : imports_main(*program);
    if (!python) return std::move(python).error();
    if (!*python) return std::optional<PythonBinary>();
  }

  const std::string libc = libc_of(*loader);
  Result<elf::ElfFile> code = Error{"not opened"};
  if (library.empty()) {
    code = program;
  } else {
    const ldso::Requester requester{path, dynamic->rpath, dynamic->runpath};
    auto found =
        find_libpython(fs, library, requester, program->machine(), libc == "musl", libraries);
    code = found ? elf::ElfFile::open(fs, found->real_path)
                 : Result<elf::ElfFile>(std::move(found).error());
  }
  PythonBinary python(std::move(program).value(), std::move(code));
  python.implementation_ = pypy ? Implementation::kPypy : Implementation::kCpython;
  python.libc_ = libc;
  python.libpython_ = library;
  return std::optional(std::move(python));
}

Fact<std::vector<std::string>> missing_python_symbols(const elf::ElfFile& library,
                                                      const PythonBinary& python,
                                                      const ldso::LibrarySearch& libraries) {
  if (!python.code()) return Symbols::unknown(python.code().error().message);
  auto dynamic = library.dynamic();
  if (!dynamic) return Symbols::unknown(dynamic.error().message);
  for (const std::string& needed : dynamic->needed)
    if (needed.starts_with("libpython"))
      return Symbols::unknown(library.source().name() + " brings " + needed + " of its own");

  auto symbols = libraries.symbols_of(library).undefined([](std::string_view name) {
    return (name.starts_with('P') || name.starts_with('_')) &&
           (name.starts_with(kPublic) || name.starts_with(kPrivate));
  });
  if (!symbols) return Symbols::unknown(symbols.error().message);
  std::vector<const elf::ElfFile*> exporting{&*python.code()};
  if (!python.libpython().empty()) exporting.push_back(&python.program());
  std::vector<std::string> missing;
  for (elf::SymbolReference& symbol : *symbols) {
    symbol.version = "";  // a name is enough
    bool found = false;
    for (const elf::ElfFile* elf : exporting) {
      auto defined = libraries.symbols_of(*elf).defines(symbol);
      if (!defined) return Symbols::unknown(defined.error().message);
      if ((found = *defined)) break;
    }
    if (!found) missing.emplace_back(symbol.name);
  }
  if (missing.size() == symbols->size()) {
    auto any = has_exports(*python.code());
    if (any && !*any && !python.libpython().empty()) any = has_exports(python.program());
    if (!any) return Symbols::unknown(any.error().message);
    if (!*any) return Symbols::unknown("the interpreter exports no C API");
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

}  // namespace gpuinit::image
