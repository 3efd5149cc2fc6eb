// One value as TOML writes it, as plain data, and its wording in messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gpuinit::policy {

inline constexpr std::string_view kTable = "a table";

struct Value {
  // Kinds that no key of a policy takes are kept by name only.
  struct Other {
    std::string_view kind;  // "an array", "a date or time", or kTable
  };
  using Integers = std::vector<std::int64_t>;  // an empty array is one of these
  using Texts = std::vector<std::string>;      // never empty in what was read
  std::variant<bool, std::int64_t, double, std::string, Integers, Texts, Other> data;
};

// `the string "60"`, `the number 3.1`, `an array`: on one line, shortened.
std::string describe(const Value& value);

// The value as TOML that reads back as the same value. Requires: not Other.
std::string toml_text(const Value& value);

// UTF-8 without control characters, and no longer than a path may be.
bool is_clean_text(std::string_view text);

}  // namespace gpuinit::policy
