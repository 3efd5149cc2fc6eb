#include "base/signal_name.h"

#include <csignal>
#include <cstring>

#include "base/text.h"

namespace gpuinit::base {

namespace {

// glibc takes the first two real-time signals for its threads; every libc and
// kill(1) on Linux count SIGRTMIN from here, so this is a constant for us.
constexpr int kFirstRealTime = 34;

// "+3" after `prefix` → 3; nullopt if it is something else.
std::optional<int> offset_after(std::string_view text, std::string_view prefix, char sign) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.empty()) return 0;
  if (text.front() != sign) return std::nullopt;
  const auto number = parse_number(text.substr(1));
  if (!number || *number > kLastSignal - kFirstRealTime) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace

std::string signal_name(int signal) {
  if (signal >= kFirstRealTime && signal <= kLastSignal) {
    const int above = signal - kFirstRealTime;
    return above == 0 ? "SIGRTMIN" : "SIGRTMIN+" + std::to_string(above);
  }
  const char* name = ::sigabbrev_np(signal);
  return "SIG" + (name != nullptr ? std::string(name) : std::to_string(signal));
}

std::optional<int> signal_number(std::string_view text) {
  if (const auto number = parse_number(text)) {
    if (*number < 1 || *number > kLastSignal) return std::nullopt;
    return static_cast<int>(*number);
  }
  if (text.starts_with("SIG")) text.remove_prefix(3);
  if (const auto above = offset_after(text, "RTMIN", '+')) return kFirstRealTime + *above;
  if (const auto below = offset_after(text, "RTMAX", '-')) return kLastSignal - *below;
  for (int signal = 1; signal <= kLastSignal; ++signal)
    if (signal_name(signal).substr(3) == text) return signal;
  return std::nullopt;
}

}  // namespace gpuinit::base
