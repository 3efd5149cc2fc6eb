// Standard error, which no launch waits for: its reader may have stalled, or be slow.
#pragma once

#include <string_view>

namespace gpuinit::base {

// Writes on standard error, whatever that is: a terminal, a pipe, a socket, a file. All calls
// together wait 2 s at most for a reader; what then finds no room is dropped, and the next text
// that finds some says so first. Other failures are not reported, because there is nowhere left to
// report them.
void write_stderr(std::string_view text);

// "gpuinit: <message>\n" in the same way. A message is one line and at most 8 KiB: a line break in
// it is part of a name, and made visible like all that a terminal would obey.
void print_error(std::string_view message);

// From now on 2 s again: the command runs, and waits for nothing that is said.
void renew_stderr_patience();

}  // namespace gpuinit::base
