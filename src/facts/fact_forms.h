// What the values of facts must look like in JSON, and the names of enumerators there.
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "gpuinit/facts.h"

namespace gpuinit::facts {

// What a text must look like in a hand-written file: a value that no check can read would
// silently become one that no check fails on.
struct Form {
  std::string_view example;                     // shown in the error message
  bool (*accepts)(std::string_view) = nullptr;  // null: everything
};

// "535.104.05": at least `parts` numbers with dots between them.
inline bool is_dotted_number(std::string_view text, std::size_t parts) {
  const auto numbers = base::split(text, '.');
  for (auto number : numbers)
    if (number.size() > 9 || !base::parse_number(number)) return false;
  return numbers.size() >= parts;
}

inline constexpr Form kAnyForm{};
inline constexpr Form kDriverForm{"\"535.104.05\"",
                                  [](std::string_view t) { return is_dotted_number(t, 2); }};
inline constexpr Form kCudaForm{"\"12.2\"",
                                [](std::string_view t) { return is_dotted_number(t, 2); }};
inline constexpr Form kCapabilityForm{"\"9.0\"", [](std::string_view t) {
                                        return is_dotted_number(t, 2) && !is_dotted_number(t, 3);
                                      }};
inline constexpr Form kKindForm{
    "\"driver\", \"stub\" or \"forward-compat\"", [](std::string_view t) {
      return t.empty() || t == "driver" || t == "stub" || t == "forward-compat";
    }};
// The name of `uname -m`; "amd64" and "arm64" are other names for the same.
inline constexpr Form kMachineForm{"\"x86_64\" or \"aarch64\"", [](std::string_view t) {
                                     return !t.empty() && t != "amd64" && t != "x64" &&
                                            t != "x86-64" && t != "arm64";
                                   }};
inline constexpr Form kCpuLevelForm{"\"x86-64-v2\"", [](std::string_view t) {
                                      return t.size() == 9 && t.starts_with("x86-64-v") &&
                                             t[8] >= '1' && t[8] <= '4';
                                    }};
inline constexpr Form kBytesForm{"85899345920"};

// The JSON name of each ProbeRun::Outcome, in the order of the enumeration.
inline constexpr std::array<std::string_view, 7> kOutcomeWords{
    "answered", "timed-out", "crashed", "exited", "garbled", "no-loader", "not-started"};

// The writer passes const objects, the reader mutable ones.
template <class T, class Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

}  // namespace gpuinit::facts
