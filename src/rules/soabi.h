// What an extension module's file name says about the Python it was built for,
// and which interpreter will import it.
//
// Sources: PEP 3149; CPython Python/dynload_shlib.c (_PyImport_DynLoadFiletab)
// and configure.ac (SOABI, ALT_SOABI); "What's New In Python 3.8", Debug build
// uses the same ABI as release build.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gpuinit/tristate.h"

namespace gpuinit::rules {

// "cpython-313t-x86_64-linux-gnu", taken apart.
struct PythonAbi {
  unsigned major = 0;
  unsigned minor = 0;
  bool free_threaded = false;  // 't'
  bool debug = false;          // 'd'
  std::string other_flags;     // "m" until Python 3.7
  std::string platform;        // "x86_64-linux-gnu"; empty if the name has none

  std::string words() const;      // "CPython 3.12", "free-threaded CPython 3.13"
  std::string wheel_tag() const;  // "cp312", "cp313t": a wheel's ABI tag
};

// nullopt if it is another implementation's ("pypy310-pp73-…") or unclear.
std::optional<PythonAbi> parse_soabi(std::string_view soabi);

// Whether an interpreter of SOABI `interpreter` imports `NAME.<extension>.so`.
// The interpreter looks for exact file names: its own SOABI, in a debug build
// also the same without 'd', then ".abi3.so" and ".so".
Tristate imports_extension(std::string_view interpreter, std::string_view extension);

// "CPython 3.12", or the text itself where it cannot be read.
std::string soabi_words(std::string_view soabi);

}  // namespace gpuinit::rules
