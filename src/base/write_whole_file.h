// Files that gpuinit writes by name: as a whole or not at all, and never through or over something
// that is not a file.
#pragma once

#include <string>
#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::base {

// An error if there is something at `path` that is not a regular file: a symlink, a device, a FIFO,
// a directory; and if no file may be made there. To be asked before long work whose result goes
// there.
Status may_be_written(const std::string& path);

// Written under a new name beside `path`, with mode 0644, and moved there when complete.
// Directories are made as needed.
Status write_whole_file(const std::string& path, std::string_view text);

}  // namespace gpuinit::base
