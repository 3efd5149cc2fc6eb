// Signals by name and by number, as kill(1) and the policy write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gpuinit::base {

inline constexpr int kLastSignal = 64;  // of Linux on every machine we build for

// "SIGTERM"; "SIGRTMIN+3" for a real-time signal, counted from the C library's
// SIGRTMIN (34); "SIG32" and "SIG33" for the two that the library keeps.
std::string signal_name(int signal);

// What signal_name gives, the same without "SIG", "SIGRTMAX-2", or a number from
// 1 to kLastSignal. Case matters, as in kill(1).
std::optional<int> signal_number(std::string_view text);

}  // namespace gpuinit::base
