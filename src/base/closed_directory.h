// Why EACCES, where a path leads through a directory that this user may not enter.
#pragma once

#include <string>

#include "base/root_fs.h"

namespace gpuinit::base {

// The directory on the way to an absolute path, symlinks followed, that this user may not enter.
// Empty if there is none.
std::string closed_directory(const RootFs& fs, const std::string& path);

// Of an absolute path, symlinks followed: "leads into /root, which uid 1000 may not enter (mode
// 0700, owner 0): …" and what cures it; where no such directory is found "may not be looked at by
// uid 1000".
std::string why_closed(const RootFs& fs, const std::string& path);

}  // namespace gpuinit::base
