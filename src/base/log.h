// --verbose diagnostics for the person who debugs an image. What a user must
// read is a finding, not a log line. spdlog is included in log.cpp alone.
#pragma once

#include <string_view>

namespace gpuinit::base {

// Writes to stderr from now on; before this call log_verbose says nothing.
void enable_verbose_log();
bool verbose_log_enabled();

// One line, prefixed with the milliseconds since the program started.
void log_verbose(std::string_view message);

}  // namespace gpuinit::base
