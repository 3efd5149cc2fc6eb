// Why EACCES, where a path leads through a directory that this user may not enter.
#pragma once

#include <string>

#include "base/root_fs.h"

namespace gpuinit::base {

// Of an absolute path, symlinks followed: "leads into /root, which uid 1000 may not enter (mode
// 0700, owner 0)"; where no such directory is found "may not be looked at by uid 1000".
std::string why_closed(const RootFs& fs, const std::string& path);

}  // namespace gpuinit::base
