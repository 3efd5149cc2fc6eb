// Where gpuinit's own messages go.
#pragma once

#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::cli {

// Writes all of it or says why not (a full disk, a closed pipe).
Status write_all(int fd, std::string_view text);

// Writes on stderr; a failure is not reported, because there is nowhere left to report it.
// Neither a launch nor an exit waits for a reader that does not read: after 2 s the rest
// is dropped.
void write_stderr(std::string_view text);

// "gpuinit: <message>\n" on stderr, as write_stderr does.
void print_error(std::string_view message);

}  // namespace gpuinit::cli
