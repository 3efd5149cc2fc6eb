// Where gpuinit's own words go.
#pragma once

#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::cli {

// Writes all of it or says why not (a full disk, a closed pipe).
Status write_all(int fd, std::string_view text);

// Writes on stderr. There is nobody left to tell if that fails, and no launch and no
// end waits for a reader that does not read: after 2 s the rest is left unsaid.
void write_stderr(std::string_view text);

// "gpuinit: <message>\n" on stderr, as `tell` does.
void print_error(std::string_view message);

}  // namespace gpuinit::cli
