// A small PyTorch image written as data: the files a check reads, with real ELF
// and fatbin structure and nothing else inside.
//
//   PyTorchImage image;              // Python 3.12, torch 2.8.0+cu128, healthy
//   image.torch_tag = "cpython-310"; // … but torch is for another Python
//   image.write_to(tree);
#pragma once

#include <string>
#include <vector>

#include "support/elf_builder.h"
#include "support/fatbin_builder.h"
#include "support/tree.h"

namespace gpuinit::test {

struct PyTorchImage {
  std::string python = "3.12";            // version of the interpreter, "3.13t" for free-threaded
  std::string torch_tag = "cpython-312";  // interpreter that torch was compiled for
  std::string torch_version = "2.8.0+cu128";
  std::string cuda = "12.8";                // empty: a CPU-only build
  std::string runtime_version = "12.8.90";  // of nvidia-cuda-runtime; empty: no libcudart
  std::vector<std::string> sass = {"70", "75", "80", "86", "90", "100", "120"};
  std::vector<std::string> ptx;  // "120" for compute_120
  std::string ptx_isa = "8.7";

  std::string site_packages() const { return "usr/local/lib/python" + python + "/site-packages"; }
  std::string python_tag() const {
    std::string tag = "cpython-" + python;
    tag.erase(tag.find('.'), 1);
    return tag;
  }
  // torch's libraries look beside themselves and where the nvidia-* wheels lie.
  std::string rpath() const {
    return cuda.empty() ? "$ORIGIN" : "$ORIGIN/../../nvidia/cuda_runtime/lib:$ORIGIN";
  }
  std::string major() const { return cuda.substr(0, cuda.find('.')); }

  void write_python(Tree& tree) const {
    const std::string lib = "usr/local/lib/python" + python;
    const std::string soabi = python_tag() + "-x86_64-linux-gnu";
    tree.executable("usr/local/bin/python" + python,
                    ElfBuilder()
                        .interpreter("/lib64/ld-linux-x86-64.so.2")
                        .needs({"libpython" + python + ".so.1.0", "libc.so.6"})
                        .runpath("$ORIGIN/../lib")
                        .build());
    tree.link("usr/local/bin/python3", "python" + python);
    tree.link("usr/local/bin/python", "python3");
    tree.file("usr/local/lib/libpython" + python + ".so.1.0",
              ElfBuilder()
                  .soname("libpython" + python + ".so.1.0")
                  .defines("Py_BytesMain")
                  .defines("PyModule_Create2")
                  .build());
    tree.file("lib64/ld-linux-x86-64.so.2", ElfBuilder().soname("ld-linux-x86-64.so.2").build());
    tree.file("usr/lib/x86_64-linux-gnu/libc.so.6", ElfBuilder().soname("libc.so.6").build());
    tree.file(lib + "/os.py").file(lib + "/site.py", "# site-packages only\n");
    tree.file(lib + "/_sysconfigdata__linux_x86_64-linux-gnu.py",
              "# system configuration generated and used by the sysconfig module\n"
              "build_time_vars = {'EXT_SUFFIX': '." +
                  soabi + ".so',\n 'SOABI': '" + soabi + "',\n 'VERSION': '" +
                  python.substr(0, python.find('t')) + "'}\n");
    tree.file(lib + "/lib-dynload/_json." + soabi + ".so",
              ElfBuilder().defines("PyInit__json").build());
    tree.directory(site_packages());
  }

  void write_torch(Tree& tree) const {
    const std::string torch = site_packages() + "/torch";
    const std::string plain = torch_version.substr(0, torch_version.find('+'));
    const bool gpu = !cuda.empty();
    tree.file(torch + "/__init__.py");
    tree.file(torch + "/version.py",
              "from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda']\n"
              "__version__ = '" +
                  torch_version + "'\ndebug = False\ncuda: Optional[str] = " +
                  (gpu ? "'" + cuda + "'" : "None") + "\nhip: Optional[str] = None\n");
    tree.file(torch + "/_C." + torch_tag + "-x86_64-linux-gnu.so", ElfBuilder()
                                                                       .needs("libtorch_python.so")
                                                                       .runpath("$ORIGIN/lib")
                                                                       .defines("PyInit__C")
                                                                       .build());
    std::vector<std::string> archs;
    for (const auto& arch : sass) archs.push_back("sm_" + arch);
    for (const auto& arch : ptx) archs.push_back("compute_" + arch);
    std::string flags;
    for (const auto& arch : archs) flags += (flags.empty() ? "" : " ") + arch;
    auto bindings = ElfBuilder().soname("libtorch_python.so").rpath(rpath());
    bindings.needs({"libtorch.so", "libshm.so", "libtorch_cpu.so"});
    if (gpu) bindings.needs({"libtorch_cuda.so", "libc10_cuda.so"});
    bindings.needs("libc10.so").wants("PyModule_Create2");
    bindings.section(".rodata", std::string(1, '\0') + (gpu ? flags : "") + std::string(1, '\0'));
    tree.file(torch + "/lib/libtorch_python.so", bindings.build());
    for (const char* name : {"libtorch.so", "libtorch_cpu.so", "libshm.so"})
      tree.file(torch + "/lib/" + name, ElfBuilder().soname(name).build());
    auto global_deps = ElfBuilder().soname("libtorch_global_deps.so").rpath(rpath());
    if (gpu) global_deps.needs("libcudart.so." + major());
    tree.file(torch + "/lib/libtorch_global_deps.so", global_deps.build());
    tree.file(torch + "/lib/libc10.so",
              ElfBuilder()
                  .soname("libc10.so")
                  .defines("_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_"
                           "stringIcSt11char_traitsIcESaIcEEE")
                  .build());
    if (gpu) write_cuda(tree, torch);
    const std::string info = site_packages() + "/torch-" + torch_version + ".dist-info";
    tree.file(info + "/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: " + plain + "\n");
    std::string tag = torch_tag.substr(torch_tag.find('-') + 1);
    tree.file(info + "/WHEEL",
              "Wheel-Version: 1.0\nTag: cp" + tag + "-cp" + tag + "-manylinux_2_28_x86_64\n");
  }

  void write_to(Tree& tree) const {
    write_python(tree);
    write_torch(tree);
  }

 private:
  void write_cuda(Tree& tree, const std::string& torch) const {
    const std::string cudart = "libcudart.so." + major();
    std::string fatbin;
    for (int container = 0; container < 3; ++container) {
      std::vector<FatbinEntryBytes> entries;
      for (const auto& arch : sass) entries.push_back(sm(arch));
      for (const auto& arch : ptx) entries.push_back(test::ptx(arch, ptx_isa));
      fatbin += fatbin_container(entries);
    }
    tree.file(torch + "/lib/libtorch_cuda.so", ElfBuilder()
                                                   .soname("libtorch_cuda.so")
                                                   .needs({"libc10_cuda.so", cudart})
                                                   .rpath(rpath())
                                                   .section(".nv_fatbin", fatbin)
                                                   .build());
    tree.file(torch + "/lib/libc10_cuda.so",
              ElfBuilder().soname("libc10_cuda.so").needs(cudart).rpath(rpath()).build());
    if (runtime_version.empty()) return;
    tree.file(site_packages() + "/nvidia/cuda_runtime/lib/" + cudart,
              ElfBuilder().soname(cudart).build());
    tree.file(site_packages() + "/nvidia_cuda_runtime_cu" + major() + "-" + runtime_version +
                  ".dist-info/METADATA",
              "Metadata-Version: 2.1\nName: nvidia-cuda-runtime-cu" + major() +
                  "\nVersion: " + runtime_version + "\n");
  }
};

}  // namespace gpuinit::test
