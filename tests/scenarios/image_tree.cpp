#include "scenarios/image_tree.h"

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "scenarios/data.h"
#include "support/elf_builder.h"
#include "support/fatbin_builder.h"
#include "support/ld_so_cache_builder.h"

namespace gpuinit::test {

namespace {

using base::Json;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::uint16_t machine_number(const std::string& name) {
  if (name == "x86_64") return EM_X86_64;
  if (name == "aarch64") return EM_AARCH64;
  throw std::runtime_error("unknown machine " + name);
}

// "symbol@version" → the two; without '@' the version is empty.
std::pair<std::string, std::string> symbol_and_version(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos) return {text, ""};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string fatbin(const std::vector<std::string>& targets, const std::string& ptx_isa) {
  std::vector<FatbinEntryBytes> entries;
  for (const auto& target : targets) {
    const std::string arch = target.substr(target.find('_') + 1);
    entries.push_back(target.starts_with("sm_") ? sm(arch) : ptx(arch, ptx_isa));
    entries.back().with_payload(std::string(64, '\0'));
  }
  std::string bytes;
  for (int container = 0; container < 3; ++container) bytes += fatbin_container(entries);
  return bytes;
}

class ImageWriter {
 public:
  ImageWriter(const Json& image, Tree& tree) : image_(image), tree_(tree) {}

  void write() {
    if (!at(image_, "python").is_null()) write_python(at(image_, "python"));
    if (!at(image_, "torch").is_null()) write_torch(at(image_, "torch"));
    for (const auto& [name, wheel] : table_at(image_, "wheel"))
      write_dist_info(name, text_at(wheel, "version"), texts_at(wheel, "requires"),
                      text_at(wheel, "tag", "py3-none-manylinux_2_27_x86_64"), "");
    for (const auto& [path, library] : table_at(image_, "library"))
      tree_.file(path, elf(path, library).build(), 0755);
    for (const auto& [path, file] : table_at(image_, "file"))
      tree_.file(path, text_at(file, "content"), number_at(file, "mode", 0644));
    for (const auto& [path, target] : table_at(image_, "link"))
      tree_.link(path, *target.as_string());
    write_cache(texts_at(image_, "ld_so_cache"));
  }

 private:
  std::string machine() const { return text_at(image_, "machine", "x86_64"); }
  std::string site() const { return text_at(at(image_, "names"), "site"); }

  void write_python(const Json& python) {
    const std::string version = text_at(python, "version");
    const std::string lib = "/usr/local/lib/python" + version;
    std::string tag = version;
    tag.erase(tag.find('.'), 1);
    const std::string soabi =
        text_at(python, "soabi", "cpython-" + tag + "-" + machine() + "-linux-gnu");
    const std::string libpython = "libpython" + version + ".so.1.0";
    tree_.executable("/usr/local/bin/python" + version,
                     ElfBuilder()
                         .machine(machine_number(machine()))
                         .interpreter(text_at(python, "loader", "/lib64/ld-linux-x86-64.so.2"))
                         .needs({libpython, "libc.so.6"})
                         .runpath("$ORIGIN/../lib")
                         .build());
    tree_.link("/usr/local/bin/python3", "python" + version);
    tree_.link("/usr/local/bin/python", "python3");
    ElfBuilder library;
    library.machine(machine_number(machine())).soname(libpython).needs({"libm.so.6", "libc.so.6"});
    for (const char* symbol : {"Py_BytesMain", "PyModule_Create2", "PyErr_SetString"})
      library.defines(symbol);
    tree_.file("/usr/local/lib/" + libpython, library.build());
    tree_.file(lib + "/os.py").file(lib + "/site.py");
    tree_.file(lib + "/_sysconfigdata__linux_" + machine() + "-linux-gnu.py",
               "# system configuration generated and used by the sysconfig module\n"
               "build_time_vars = {'EXT_SUFFIX': '." +
                   soabi + ".so',\n 'SOABI': '" + soabi + "',\n 'VERSION': '" + version + "'}\n");
    tree_.file(lib + "/lib-dynload/_json." + soabi + ".so", ElfBuilder()
                                                                .machine(machine_number(machine()))
                                                                .needs("libc.so.6")
                                                                .defines("PyInit__json")
                                                                .build());
    tree_.directory(lib + "/site-packages");
  }

  void write_torch(const Json& torch) {
    const std::string package = site() + "/torch";
    const std::string version = text_at(torch, "version");
    const std::string cuda = text_at(torch, "cuda");
    tree_.file(package + "/__init__.py");
    tree_.file(package + "/version.py",
               "from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda']\n"
               "__version__ = '" +
                   version + "'\ndebug = False\ncuda: Optional[str] = " +
                   (cuda.empty() ? "None" : "'" + cuda + "'") + "\nhip: Optional[str] = None\n");
    const std::string python = text_at(torch, "python");
    const std::string extension = "_C." + python + "-" + machine() + "-linux-gnu.so";
    tree_.file(package + "/" + extension,
               ElfBuilder()
                   .machine(machine_number(machine()))
                   .needs({"libtorch_python.so", "libc.so.6"})
                   .rpath(text_at(at(image_, "names"), "torch_rpath") + ":$ORIGIN/lib")
                   .defines("PyInit__C")
                   .build(),
               0755);
    const std::string tag = "cp" + python.substr(python.find('-') + 1);
    std::string record = "torch/__init__.py,,\ntorch/version.py,,\ntorch/" + extension + ",,\n";
    for (const auto& [path, library] : table_at(image_, "library"))
      if (path.starts_with(package + "/lib/")) record += path.substr(site().size() + 1) + ",,\n";
    write_dist_info("torch", version, texts_at(torch, "requires"),
                    tag + "-" + tag + "-manylinux_2_28_" + machine(), record);
  }

  void write_dist_info(const std::string& name, const std::string& version,
                       const std::vector<std::string>& required, const std::string& tag,
                       const std::string& record) {
    std::string directory = name;
    std::replace(directory.begin(), directory.end(), '-', '_');
    directory = site() + "/" + directory + "-" + version + ".dist-info";
    std::string metadata = "Metadata-Version: 2.4\nName: " + name + "\nVersion: " + version + "\n";
    for (const auto& requirement : required) metadata += "Requires-Dist: " + requirement + "\n";
    tree_.file(directory + "/METADATA", metadata + "\n" + name + ", as a scenario needs it.\n");
    tree_.file(directory + "/WHEEL",
               "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: " + tag + "\n");
    tree_.file(directory + "/INSTALLER", "pip\n");
    tree_.file(directory + "/RECORD", record);
  }

  // "torch": what torch itself was compiled for.
  std::vector<std::string> targets(const Json& library, const char* key) const {
    if (at(library, key).as_string() != nullptr) return texts_at(at(image_, "torch"), "targets");
    return texts_at(library, key);
  }

  ElfBuilder elf(const std::string& path, const Json& library) const {
    ElfBuilder file;
    file.machine(machine_number(text_at(library, "machine", machine())));
    const std::string name = file_name(path);
    const std::string soname = text_at(library, "soname", name.starts_with("lib") ? name : "");
    if (!soname.empty()) file.soname(soname);
    if (const auto level = number_at(library, "cpu_level", 0); level != 0) file.cpu_level(level);
    if (const auto loader = text_at(library, "loader"); !loader.empty()) file.interpreter(loader);
    if (const auto rpath = text_at(library, "rpath"); !rpath.empty()) file.rpath(rpath);
    if (const auto runpath = text_at(library, "runpath"); !runpath.empty()) file.runpath(runpath);
    if (flag_at(library, "executable_stack")) file.executable_stack();
    std::vector<std::string> needs{"libc.so.6"};
    if (!at(library, "needs").is_null()) needs = texts_at(library, "needs");
    for (const auto& needed : needs) file.needs(needed);
    add_versions(library, file);
    for (const auto& symbol : texts_at(library, "exports")) {
      const auto [symbol_name, version] = symbol_and_version(symbol);
      file.defines(symbol_name);
      if (!version.empty()) file.in_version(version);
    }
    for (const auto& symbol : texts_at(library, "wants")) {
      const auto [symbol_name, version] = symbol_and_version(symbol);
      file.wants(symbol_name);
      if (!version.empty()) file.from_version(version);
    }
    const std::string isa =
        text_at(library, "ptx_isa", text_at(at(image_, "torch"), "ptx_isa", "8.0"));
    if (const auto list = targets(library, "targets"); !list.empty())
      file.section(".nv_fatbin", fatbin(list, isa));
    std::string constants(1, '\0');
    for (const auto& text : texts_at(library, "strings")) constants += text + '\0';
    constants += base::join_with(targets(library, "arch_list"), " ") + '\0';
    file.section(".rodata", constants);
    return file;
  }

  // Those it defines, and those it needs. NVIDIA's libraries have one version, named like the
  // library: a wanted `symbol@libx.so.1` comes from libx.so.1.
  static void add_versions(const Json& library, ElfBuilder& file) {
    std::vector<std::string> defined = texts_at(library, "versions");
    for (const auto& symbol : texts_at(library, "exports"))
      if (const auto version = symbol_and_version(symbol).second;
          !version.empty() && std::find(defined.begin(), defined.end(), version) == defined.end())
        defined.push_back(version);
    for (const auto& version : defined) file.defines_version(version);
    std::vector<std::string> needed;
    for (const auto& [provider, versions] : table_at(library, "needs_versions"))
      for (const auto& version : *versions.as_array()) {
        file.needs_version(provider, *version.as_string());
        needed.push_back(*version.as_string());
      }
    for (const auto& symbol : texts_at(library, "wants"))
      if (const auto version = symbol_and_version(symbol).second;
          !version.empty() && std::find(needed.begin(), needed.end(), version) == needed.end()) {
        file.needs_version(version, version);
        needed.push_back(version);
      }
  }

  // As ldconfig does: every library that lies in one of these directories, under its SONAME.
  void write_cache(const std::vector<std::string>& directories) {
    if (directories.empty()) return;
    std::vector<CacheLine> lines;
    for (const auto& directory : directories)
      for (const auto& [path, library] : table_at(image_, "library"))
        if (path.substr(0, path.rfind('/')) == directory)
          lines.push_back({text_at(library, "soname", file_name(path)), path});
    tree_.file("/etc/ld.so.cache", ld_so_cache(lines));
  }

  const Json& image_;
  Tree& tree_;
};

}  // namespace

void write_image(const Json& image, Tree& tree) { ImageWriter(image, tree).write(); }

}  // namespace gpuinit::test
