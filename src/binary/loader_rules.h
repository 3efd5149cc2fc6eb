// What a glibc loader was compiled with, or learns from the CPU: path tokens,
// hwcaps subdirectories, default directories. Private to library_search.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::binary {

// Names of the glibc-hwcaps subdirectories that this machine's CPU may use, best
// first; none for another machine than x86-64.
// Source: x86-64 psABI, micro-architecture levels; glibc NEWS for 2.33.
std::vector<std::string> supported_hwcaps(std::string_view machine);

// "x86-64-v3" from "/lib/glibc-hwcaps/x86-64-v3/libc.so.6"; "" if there is none.
std::string_view hwcaps_of(std::string_view path);

// The two families of loaders. Debian and Ubuntu compile theirs for multiarch
// directories, the others for lib64; the file system under `fs` tells which.
struct LoaderPaths {
  std::string lib;                       // $LIB
  std::vector<std::string> directories;  // searched last, in order
};
LoaderPaths loader_paths(const base::RootFs& fs, const std::string& machine);

// $ORIGIN, $LIB and $PLATFORM, with or without braces, replaced. Anything else
// stays as it is written. Source: ld.so(8), "Dynamic string tokens".
std::string expand_tokens(std::string_view text, std::string_view origin, std::string_view lib,
                          std::string_view platform);

}  // namespace gpuinit::binary
