// Where gpuinit's own messages go.
#pragma once

#include <string_view>

#include "base/standard_error.h"
#include "gpuinit/result.h"

namespace gpuinit::cli {

using base::print_error;
using base::write_stderr;

// Writes all of it or says why not (a full disk, a closed pipe). Waits for the reader: it is what
// was asked for, and nothing is launched after it.
Status write_all(int fd, std::string_view text);

}  // namespace gpuinit::cli
