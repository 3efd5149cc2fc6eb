// What the parts of AnswerReader share: what can be wrong with a line, and facts that are
// said once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "gpuinit/fact.h"

namespace gpuinit::probe {

using Complaint = std::string_view;
inline constexpr Complaint kFine;
inline constexpr Complaint kBadValue = "is not a value it can have";
inline constexpr Complaint kOutOfPlace = "is out of place";
inline constexpr Complaint kTwice = "is said twice";

inline constexpr std::uint64_t kMaxMemory = std::uint64_t{1} << 56;
inline constexpr std::size_t kMaxText = 300;

// Not yet said: neither a value nor the reason for having none.
template <class T>
bool fresh(const Fact<T>& fact) {
  return fact == Fact<T>();
}

// Once only.
template <class T>
Complaint set(Fact<T>& fact, std::optional<T> value) {
  if (!value) return kBadValue;
  if (!fresh(fact)) return kTwice;
  fact = *std::move(value);
  return kFine;
}

template <class T>
Complaint set_unknown(Fact<T>& fact, std::string_view reason) {
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
