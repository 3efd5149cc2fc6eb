// Values of a policy in the forms that its keys take; no value: it is not in that form.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/catalogue.h"
#include "policy/value.h"

namespace gpuinit::policy {

inline constexpr std::int64_t kMaxExitCode = 255;
inline constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 50;

// A number of seconds from 0.001 to kMaxSeconds; also 0 if `or_none`.
std::optional<std::chrono::milliseconds> milliseconds(const Value& value, bool or_none = false);
Value seconds_value(std::chrono::milliseconds time);

// A whole number, or a whole number and a unit: "512MiB", "4 GiB"; from 1 to kMaxBytes.
std::optional<std::uint64_t> bytes(const Value& value);
Value bytes_value(std::uint64_t count);

// One number counts as a list of one.
std::optional<std::vector<int>> exit_codes(const Value& value);

// One text counts as a list of one.
std::optional<std::vector<std::string>> texts(const Value& value, ListRule rule);
std::optional<std::vector<WaitFor>> wait_reasons(const Value& value);
// An empty list is an array without a kind.
Value texts_value(std::vector<std::string> list);

}  // namespace gpuinit::policy
