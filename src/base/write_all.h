// A text to a descriptor, whole.
#pragma once

#include <string>
#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::base {

// Waits for whoever reads. The error (a full disk, a closed pipe) begins with `what`.
Status write_all(int fd, std::string_view text, const std::string& what);

}  // namespace gpuinit::base
