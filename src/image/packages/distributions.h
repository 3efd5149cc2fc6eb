// The distributions that are installed on sys.path, as importlib.metadata lists them:
// NAME-VERSION.dist-info/METADATA, *.egg-info (a file, or a directory with PKG-INFO) and
// *.egg directories. Source: CPython, Lib/importlib/metadata; PyPA, "Recording installed
// projects".
//
// Not read: zip files on sys.path, and requires.txt of egg-infos (what setuptools wrote
// there before wheels), so that nothing is said about what those require.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::image {

// In the order of sys.path and, within an entry, of the file names: of two with one name the
// first is the one that Python finds. Directories that an interrupted pip left
// ("~orch-2.5.1.dist-info") and those without METADATA are passed over, as pip does.
// Unknown if `sys_path` is, if an entry of it cannot be read, or if there are too many.
Fact<std::vector<Package>> read_distributions(const base::RootFs& fs,
                                              const Fact<std::vector<std::string>>& sys_path);

inline constexpr std::size_t kMaxDistributions = 5'000;

}  // namespace gpuinit::image
