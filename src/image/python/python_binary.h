// Whether an ELF file is a Python interpreter, where its code is, and what C API it exports.
//
// By what the file says about itself, never by its name alone: CPython's `python`
// either exports Py_BytesMain (3.8 and later) or Py_Main, or imports it from
// libpythonX.Y. A launcher that needs libpythonX.Y and is called python counts too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elf/elf_file.h"
#include "gpuinit/fact.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

// "python", "python3", "python3.12", "pypy3", "python3-dbg", with or without a
// directory: whoever asks for one of these wants a Python and no other program.
bool is_python_name(std::string_view program);

class PythonBinary {
 public:
  enum class Implementation { kCpython, kPypy };

  // nullopt if `path` is an ELF file but not Python. An error if it cannot be read as ELF.
  static Result<std::optional<PythonBinary>> open(const base::RootFs& fs, const std::string& path,
                                                  const ldso::LibrarySearch& libraries);

  Implementation implementation() const { return implementation_; }
  const elf::ElfFile& program() const { return program_; }
  std::string machine() const { return program_.machine(); }
  const std::string& libc() const { return libc_; }  // "glibc", "musl", "static", or the loader

  // The SONAME of libpython; empty: the interpreter's code is in the program.
  const std::string& libpython() const { return libpython_; }

  // The file with the interpreter's code and its exported API. An error if
  // libpython is not there or cannot be read.
  const Result<elf::ElfFile>& code() const { return code_; }

 private:
  PythonBinary(elf::ElfFile program, Result<elf::ElfFile> code)
      : program_(std::move(program)), code_(std::move(code)) {}

  Implementation implementation_ = Implementation::kCpython;
  elf::ElfFile program_;
  Result<elf::ElfFile> code_;
  std::string libc_;
  std::string libpython_;
};

// The C API that a library wants of its interpreter, and what of it is not there: its undefined
// strong Py… and _Py… symbols that neither the program nor its libpython exports, sorted. The
// proof behind an ABI mismatch, and the only one where the names agree. Unknown if one of the
// files cannot be read. `libraries` has the tables of both.
Fact<std::vector<std::string>> missing_python_symbols(const elf::ElfFile& library,
                                                      const PythonBinary& python,
                                                      const ldso::LibrarySearch& libraries);

}  // namespace gpuinit::image
