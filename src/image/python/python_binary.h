// Is this ELF file a Python interpreter, and where is the code of it?
//
// By what the file says about itself, never by its name alone: CPython's `python`
// either exports Py_BytesMain (3.8 and later) or Py_Main, or imports it from
// libpythonX.Y. A launcher that needs libpythonX.Y and is called python counts too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gpuinit/fact.h"
#include "image/open_elf.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

// "python", "python3", "python3.12", "pypy3", "python3-dbg", with or without a
// directory: whoever asks for one of these wants a Python and no other program.
bool is_python_name(std::string_view program);

class PythonBinary {
 public:
  enum class Implementation { kCpython, kPypy };

  // No value if `path` is not ELF or is not Python. An error if it cannot be read.
  static Result<std::optional<PythonBinary>> open(const base::RootFs& fs, const std::string& path,
                                                  const ldso::LibrarySearch& libraries);

  Implementation implementation() const { return implementation_; }
  const OpenElf& program() const { return program_; }
  std::string machine() const { return program_->machine(); }
  const std::string& libc() const { return libc_; }  // "glibc", "musl", "static", or the loader

  // The SONAME of libpython; empty: the interpreter's code is in the program.
  const std::string& libpython() const { return libpython_; }

  // The file with the interpreter's code and its exported API. An error if
  // libpython is not there or cannot be read.
  const Result<OpenElf>& code() const { return code_; }

 private:
  PythonBinary(OpenElf program, Result<OpenElf> code)
      : program_(std::move(program)), code_(std::move(code)) {}

  Implementation implementation_ = Implementation::kCpython;
  OpenElf program_;
  Result<OpenElf> code_;
  std::string libc_;
  std::string libpython_;
};

}  // namespace gpuinit::image
