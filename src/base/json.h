// A JSON document as a plain value. The parsing and printing is nlohmann/json's;
// it is included in json.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gpuinit/result.h"

namespace gpuinit::base {

struct Json;
using JsonArray = std::vector<Json>;
// In the order it was written; a later key of the same name wins in `find`.
using JsonObject = std::vector<std::pair<std::string, Json>>;

struct Json {
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, JsonArray,
               JsonObject>
      value = nullptr;

  Json() = default;
  Json(std::nullptr_t) {}                              // NOLINT(google-explicit-constructor)
  Json(bool v) : value(v) {}                           // NOLINT(google-explicit-constructor)
  Json(int v) : value(std::int64_t{v}) {}              // NOLINT(google-explicit-constructor)
  Json(std::int64_t v) : value(v) {}                   // NOLINT(google-explicit-constructor)
  Json(std::uint64_t v) : value(v) {}                  // NOLINT(google-explicit-constructor)
  Json(double v) : value(v) {}                         // NOLINT(google-explicit-constructor)
  Json(const char* v) : value(std::string(v)) {}       // NOLINT(google-explicit-constructor)
  Json(std::string v) : value(std::move(v)) {}         // NOLINT(google-explicit-constructor)
  Json(std::string_view v) : value(std::string(v)) {}  // NOLINT(google-explicit-constructor)
  Json(JsonArray v) : value(std::move(v)) {}           // NOLINT(google-explicit-constructor)
  Json(JsonObject v) : value(std::move(v)) {}          // NOLINT(google-explicit-constructor)

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value); }
  // Null when the value is of another type.
  const bool* as_bool() const { return std::get_if<bool>(&value); }
  const std::string* as_string() const { return std::get_if<std::string>(&value); }
  const JsonArray* as_array() const { return std::get_if<JsonArray>(&value); }
  const JsonObject* as_object() const { return std::get_if<JsonObject>(&value); }
  // A number that is whole and not negative; nullopt otherwise.
  std::optional<std::uint64_t> as_count() const;
  std::optional<double> as_number() const;  // nullopt when it is no number
  // Null when there is no such key, or no object.
  const Json* find(std::string_view key) const;
  // "number", "object", … for error messages.
  std::string_view type_name() const;
};

// Strict JSON, UTF-8, at most kMaxDepth levels deep. The error names line and column.
Result<Json> parse_json(std::string_view text);
inline constexpr int kMaxDepth = 64;

// Indented by two spaces. Strings hold what is_unseen (base/text.h) escaped as \uXXXX, so that they
// decode to what they were; invalid UTF-8 is replaced by U+FFFD, never refused. Keys are not looked
// at: whoever has one twice prints it twice.
std::string print_json(const Json& json);

// The same on one line, without a space or a line end.
std::string print_json_line(const Json& json);

}  // namespace gpuinit::base
