// DT_RPATH serves not only the object that has it but all that this object loads,
// so the paths of a chain of loaders are put together here.
// Source: ld.so(8), "Dynamic string tokens"; glibc, elf/dl-load.c decompose_rpath.
#pragma once

#include <string>

#include "base/root_fs.h"

namespace gpuinit::image {

// $ORIGIN and ${ORIGIN} as the directory of `object`, symlinks resolved: in the
// search paths of another requester they would mean another directory.
inline std::string expand_origin(const base::RootFs& fs, std::string rpath,
                                 const std::string& object) {
  const std::string origin(base::parent(fs.resolve(object).value_or(object)));
  for (const std::string token : {"${ORIGIN}", "$ORIGIN"})
    for (auto at = rpath.find(token); at != std::string::npos;
         at = rpath.find(token, at + origin.size()))
      rpath.replace(at, token.size(), origin);
  return rpath;
}

// "a:b" and "c" → "a:b:c"; an empty path adds nothing.
inline std::string join_rpaths(const std::string& own, const std::string& loaders) {
  if (own.empty() || loaders.empty()) return own + loaders;
  return own + ":" + loaders;
}

// "/a/torch/lib/../../nvidia/x.so" → "/a/nvidia/x.so", unless a symlink on the way
// makes that another file.
inline std::string tidy_path(const base::RootFs& fs, const std::string& path) {
  if (path.find("/.") == std::string::npos) return path;
  std::string tidy = base::normalize(path);
  const auto before = fs.resolve(path);
  const auto after = fs.resolve(tidy);
  return before && after && *before == *after ? tidy : path;
}

}  // namespace gpuinit::image
