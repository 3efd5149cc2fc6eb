// TOML text as a flat list of keys and values with their places in the text, and values as text.
// The parsing is toml++'s; it is included in toml_document.cpp alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace gpuinit::policy {

// What TOML can say, JSON can, but for a date or time: null stands for that. Of a table only
// that it is one, but in an array: there a date in it is text, "2027-01-31".
using Value = base::Json;

// Both count from 1; columns count characters, as editors do.
struct Position {
  unsigned line = 1;
  unsigned column = 1;
  auto operator<=>(const Position&) const = default;
};

struct TomlKey {
  std::string name;
  Position at;
};

struct TomlEntry {
  std::vector<TomlKey> path;  // [probe] timeout = 60 → probe, timeout; never empty
  Value value;                // a table only if it is empty
  Position value_at;
};

struct TomlProblem {
  Position at;
  std::string message;  // a sentence of ours
};

// The entries as they follow each other in the text, without those of lines with a problem.
struct TomlDocument {
  std::vector<TomlEntry> entries;
  std::vector<TomlProblem> problems;  // by their lines, at most kMaxTomlProblems
};

// The first `count` names of the path with dots between: "probe.timeout".
std::string dotted(const std::vector<TomlKey>& path, std::size_t count);

TomlDocument parse_toml(std::string_view text);

bool is_toml(std::string_view text);

// `the string "60"`, `the number 3.1`, `an array`: on one line, shortened.
std::string describe(const Value& value);

// TOML that reads back as the same value. Requires: neither a date nor a time,
// and of tables those in arrays, whose keys are bare.
std::string toml_text(const Value& value);

// Bounds for hostile text: time, memory and the depth of recursion follow from
// them. A policy with every key and a comment each has 5 KiB.
inline constexpr std::size_t kMaxTomlBytes = 256ULL * 1024;
inline constexpr std::size_t kMaxDotsPerLine = 64;   // a.b.c nests one level per dot
inline constexpr std::size_t kMaxNestedValues = 8;   // arrays and inline tables
inline constexpr std::size_t kMaxTomlProblems = 20;  // the text is parsed again after each

}  // namespace gpuinit::policy
