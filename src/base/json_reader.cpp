#include "base/json_reader.h"

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace gpuinit::base {

namespace {

constexpr std::size_t kMaxShown = 80;

// The value for an error message; a large one by its type alone.
std::string shown(const Json& json) {
  if (json.is_null()) return "null";
  if (json.as_array() != nullptr) return "an array";
  if (json.as_object() != nullptr) return "an object";
  return std::string(json.type_name()) + " " + printable(print_json(json), kMaxShown);
}

}  // namespace

std::optional<JsonReader> JsonReader::member(std::string_view key) const {
  const Json* found = json_.find(key);
  if (found == nullptr) return std::nullopt;
  return entry(key, *found);
}

const JsonObject* JsonReader::object() const {
  if (json_.as_object() == nullptr) expected("an object");
  return json_.as_object();
}

const JsonArray* JsonReader::array() const {
  if (json_.as_array() == nullptr) expected("an array");
  return json_.as_array();
}

const std::string* JsonReader::string() const {
  if (json_.as_string() == nullptr) expected("a string");
  return json_.as_string();
}

const bool* JsonReader::boolean() const {
  if (json_.as_bool() == nullptr) expected("true or false");
  return json_.as_bool();
}

std::optional<std::uint64_t> JsonReader::count(std::string_view like) const {
  const auto value = json_.as_count();
  if (!value) expected("a whole number" + (like.empty() ? "" : " like " + std::string(like)));
  return value;
}

std::optional<int> JsonReader::integer() const {
  constexpr int kLargest = std::numeric_limits<int>::max();
  const auto* negative = std::get_if<std::int64_t>(&json_.value);
  if (negative != nullptr && *negative <= 0 && *negative >= -kLargest)
    return static_cast<int>(*negative);
  if (const auto value = json_.as_count(); value && *value <= kLargest)
    return static_cast<int>(*value);
  expected("a whole number");
  return std::nullopt;
}

std::optional<double> JsonReader::number() const {
  const auto value = json_.as_number();
  if (!value) expected("a number");
  return value;
}

std::vector<std::string> JsonReader::strings() const {
  std::vector<std::string> result;
  each([&](const JsonReader& item) {
    if (const auto* text = item.string()) result.push_back(*text);
  });
  return result;
}

void JsonReader::fail(const std::string& message) const {
  if (problem_) return;
  const std::string at = place();
  problem_ = Error{at.empty() ? message : at + ": " + message};
}

void JsonReader::fail_at(std::string_view key, const std::string& message) const {
  entry(key, json_).fail(message);
}

void JsonReader::expected(const std::string& what, std::string_view hint) const {
  if (!problem_) fail("expected " + what + ", got " + shown(json_) + std::string(hint));
}

void JsonReader::refuse_other_members(const std::vector<std::string>& known,
                                      bool (*ignored)(std::string_view key)) const {
  const auto* members = object();
  if (members == nullptr || failed()) return;
  for (const auto& [key, value] : *members) {
    if (std::ranges::find(known, key) != known.end()) continue;
    if (ignored != nullptr && ignored(key)) continue;
    const std::string near = nearest(key, known);
    return fail("unknown key `" + printable(key, kMaxShown) + "`" +
                (near.empty() ? "; valid are " + join_with(known, ", ")
                              : "; did you mean `" + near + "`?"));
  }
}

std::string JsonReader::place() const {
  if (parent_ == nullptr) return std::string(key_);
  const std::string above = parent_->place();
  if (index_) return above + "[" + std::to_string(*index_) + "]";
  return above + (above.empty() ? "" : ".") + printable(key_, kMaxShown);
}

}  // namespace gpuinit::base
