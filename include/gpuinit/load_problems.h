// What is in the way of loading a library. The rules of facts.h hold.
#pragma once

#include <string>
#include <vector>

#include "gpuinit/fact.h"

namespace gpuinit {

// A library that is asked for and not to be had. Those of the driver (libcuda, libnvidia-*) are
// never among them: the node brings them, not the image.
struct MissingLibrary {
  std::string name;
  std::string needed_by;               // path of who asked
  std::string reason;                  // "not found", "/a/libx.so.1: not an ELF file"
  std::vector<std::string> elsewhere;  // files of that name where the loader does not look
  bool operator==(const MissingLibrary&) const = default;
};

// A library is found, and its version definitions lack one that another needs.
struct MissingVersion {
  std::string version;    // "GLIBCXX_3.4.32"
  std::string file;       // as it was asked for: "libstdc++.so.6"
  std::string provider;   // path of what was found
  std::string found_by;   // by which rule that was
  std::string needed_by;  // path of who needs the version
  std::string highest;    // the provider's highest of the family, "GLIBCXX_3.4.30"; empty: none
  bool operator==(const MissingVersion&) const = default;
};

// A symbol that no library defines in the places where the loader looks.
struct UndefinedSymbol {
  std::string name;       // as in the file, mangled
  std::string version;    // that it has to have, "libnvJitLink.so.12"; empty: any
  std::string needed_by;  // path
  bool operator==(const UndefinedSymbol&) const = default;
};

// What is in the way of loading an object: the program with torch, or one extension.
struct LoadProblems {
  std::vector<MissingLibrary> missing;
  std::vector<MissingVersion> missing_versions;
  // The first of them. Unknown where libraries are missing, or a table cannot be read.
  Fact<std::vector<UndefinedSymbol>> undefined_symbols;
  // Functions that are asked of the driver ("cuInit", "nvmlInit_v2"). Those that the driver at hand
  // does not have are undefined symbols too.
  std::vector<UndefinedSymbol> driver_functions;
  bool operator==(const LoadProblems&) const = default;
};

}  // namespace gpuinit
