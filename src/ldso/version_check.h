// Whether each library of a closure has the symbol versions that the others need of it: the
// "version `GLIBCXX_3.4.32' not found" of the loader, before there is a process.
//
// Source: glibc, elf/dl-version.c. A weak need may be missing. A library without any
// version definitions is taken for any version; the loader says so under LD_VERBOSE only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpuinit/load_problems.h"
#include "ldso/loader_closure.h"

namespace gpuinit::ldso {

struct VersionCheck {
  struct Missing {
    std::size_t needed_by;  // objects of the closure
    std::size_t provider;   // what answers to version.file
    MissingVersion version;
  };
  std::vector<Missing> missing;  // the loader refuses to load `needed_by`
  struct Unversioned {
    std::size_t needed_by;
    std::size_t provider;
  };
  std::vector<Unversioned> unversioned;  // versions are needed of a library that has none
  std::vector<std::string> problems;     // tables that could not be read; nothing is said of these
};

// In the order of the objects and of their tables. Needs of a missing library are left out.
// Reads the tables of each object once.
VersionCheck check_versions(const LoaderClosure& closure);

}  // namespace gpuinit::ldso
