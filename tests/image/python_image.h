// An image with one Python, written as data: the files the reader of an interpreter
// looks at, in the layouts of different distributions.
#pragma once

#include <string>

#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::test {

inline constexpr const char* kGlibcLoader = "/lib64/ld-linux-x86-64.so.2";
inline constexpr const char* kMuslLoader = "/lib/ld-musl-x86_64.so.1";

// A program with the interpreter's code in it that is, by its strings, 3.10.4.
inline std::string python_program(const std::string& version = "3.10.4",
                                  const std::string& suffix = ".cpython-310-x86_64-linux-gnu.so",
                                  const char* loader = kGlibcLoader) {
  const std::string minor = version.substr(2, version.rfind('.') - 2);
  std::string strings("\0libssl 3.0.2\0", 14);
  for (const std::string& text : {version, "cpython-3" + minor, suffix})
    strings += text + std::string(1, '\0');
  return ElfBuilder()
      .interpreter(loader)
      .needs("libc.so.6")
      .defines("Py_BytesMain")
      .defines("PyModule_Create2")
      .section(".rodata", strings)
      .build();
}

// prefix/lib/python3.10 with what getpath and site look for.
inline void add_stdlib(Tree& tree, const std::string& prefix, const std::string& libdir = "lib",
                       const std::string& site = "# plain\n") {
  const std::string stdlib = prefix + "/" + libdir + "/python3.10";
  tree.file(stdlib + "/os.py")
      .file(stdlib + "/site.py", site)
      .file(stdlib + "/lib-dynload/_json.cpython-310-x86_64-linux-gnu.so");
}

inline std::string library(const std::string& soname) {
  return ElfBuilder().soname(soname).build();
}

}  // namespace gpuinit::test
