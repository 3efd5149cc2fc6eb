// The values in the CUDA probe's answer, each bounded and in the one form it can have, and
// facts that are said once. nullopt if the text is not in that form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "gpuinit/fact.h"

namespace gpuinit::probe {

inline constexpr std::uint64_t kMaxMemory = std::uint64_t{1} << 56;
inline constexpr std::size_t kMaxText = 300;

// Decimal digits only, at most `limit`.
std::optional<std::uint64_t> number(std::string_view text, std::uint64_t limit);

// A CUresult.
std::optional<int> result_code(std::string_view text);

// "12020" is CUDA 12.2 (cuDriverGetVersion: 1000 × major + 10 × minor).
std::optional<std::string> cuda_version(std::string_view text);

// "9.0"
std::optional<std::string> capability(std::string_view text);

// "GPU-" or "MIG-" and 8-4-4-4-12 lower-case hexadecimal digits.
std::optional<std::string> uuid(std::string_view text);

// "1" or "0"
std::optional<bool> yes_or_no(std::string_view text);

// Any text that is not empty; printable, cut where it is unreasonably long.
std::optional<std::string> words(std::string_view text);

// What is wrong with a line.
inline constexpr std::string_view kFine;
inline constexpr std::string_view kBadValue = "is not a value it can have";
inline constexpr std::string_view kOutOfPlace = "is out of place";
inline constexpr std::string_view kTwice = "is said twice";

// Not yet said: neither a value nor why it has no value.
template <class T>
bool fresh(const Fact<T>& fact) {
  return fact == Fact<T>();
}

template <class T>
std::string_view set(Fact<T>& fact, std::optional<T> value) {
  if (!value) return kBadValue;
  if (!fresh(fact)) return kTwice;
  fact = *std::move(value);
  return kFine;
}

template <class T>
std::string_view set_unknown(Fact<T>& fact, std::string_view reason) {
  if (!fresh(fact)) return kTwice;
  fact = Fact<T>::unknown(base::printable(reason, kMaxText));
  return kFine;
}

// {key, value}; a line without a blank is a key without a value.
inline std::pair<std::string_view, std::string_view> cut(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return {text, ""};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

}  // namespace gpuinit::probe
