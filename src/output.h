// Where gpuinit's own words go.
#pragma once

#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit {

// Writes all of it or says why not (a full disk, a closed pipe).
Status write_all(int fd, std::string_view text);

// "gpuinit: <message>\n" on stderr; there is nobody left to tell if that fails.
void complain(std::string_view message);

}  // namespace gpuinit
