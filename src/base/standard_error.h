// Standard error, which no launch waits for: its reader may have stalled, or be slow.
#pragma once

#include <string_view>

#include "base/json.h"

namespace gpuinit::base {

// Writes on standard error, whatever that is: a terminal, a pipe, a socket, a file. All calls
// together wait 2 s at most for a reader; what then finds no room is dropped, and the next text
// that finds some says so first. Other failures are not reported, because there is nowhere left to
// report them.
void write_stderr(std::string_view text);

// From now on whatever is said is an event: one JSON object on one line (docs/json.md).
void say_in_json();
bool says_in_json();

// An event's line: {"schema":2,"event":`event`, …`members`}. Only for who has asked says_in_json().
void write_event(std::string_view event, JsonObject members);

// "gpuinit: <message>\n", or an event with the member "message". A message is one line and at most
// 8 KiB: a line break in it is part of a name, and made visible like all that a terminal would
// obey.
//
// Why gpuinit ends, with `exit_code`, which the event has too.
void print_error(std::string_view message, int exit_code);
// What the system knows about the end of the command, of which `exit_code` is gpuinit's.
void print_postmortem(std::string_view message, int exit_code);
// What is worth knowing, and does not end it.
void print_notice(std::string_view message);
// What the driver is waited for.
void print_progress(std::string_view message);

// From now on 2 s again: the command runs, and waits for nothing that is said.
void renew_stderr_patience();

}  // namespace gpuinit::base
