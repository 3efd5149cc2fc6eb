// What a glibc loader was compiled with, or learns from the CPU: path tokens,
// hwcaps subdirectories, default directories. Private to this room; the node asks for the hwcaps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::ldso {

// Names of the glibc-hwcaps subdirectories that this machine's CPU may use, best
// first; where this machine is no x86-64, those of a CPU of x86-64-v3. Empty for `machine` other
// than x86-64.
// Source: x86-64 psABI, micro-architecture levels; glibc NEWS for 2.33.
std::vector<std::string> supported_hwcaps(std::string_view machine);

// "x86-64-v3" from "/lib/glibc-hwcaps/x86-64-v3/libc.so.6"; "" if it lies elsewhere.
std::string_view hwcaps_of(std::string_view path);

// The two families of loaders. Debian and Ubuntu compile theirs for multiarch
// directories, the others for lib64; the file system under `fs` shows which.
struct LoaderPaths {
  std::string lib;                       // $LIB
  std::vector<std::string> directories;  // searched last, in order
};
LoaderPaths loader_paths(const base::RootFs& fs, const std::string& machine);

// What is the same in all searches for one machine.
struct LoaderPlatform {
  std::string machine;
  std::vector<std::string> hwcaps;
  LoaderPaths loader;
};

// $ORIGIN, $LIB and $PLATFORM, with or without braces, replaced. Anything else
// stays as it is written: "$ORIGINAL" is not a token.
// Source: ld.so(8), "Dynamic string tokens"; glibc, elf/dl-load.c is_dst.
std::string expand_tokens(std::string_view text, std::string_view origin, std::string_view lib,
                          std::string_view platform);

// Whose rules the loader at this path goes by; gcompat is musl under glibc's name. Ask for
// PT_INTERP and for what it leads to.
enum class LoaderFamily { kGlibc, kMusl, kOther };
LoaderFamily loader_family(std::string_view interpreter);

// The names in LD_PRELOAD, separated by spaces and colons.
std::vector<std::string> preload_variable(std::string_view text);

// The names in /etc/ld.so.preload: blanks and colons separate, '#' begins a comment.
// Source: ld.so(8), FILES; glibc, elf/rtld.c.
std::vector<std::string> preload_file(std::string_view text);

}  // namespace gpuinit::ldso
