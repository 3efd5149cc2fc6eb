// The plain values of facts_reader.h, and its error messages.
#include "facts/facts_reader.h"

#include <algorithm>

namespace gpuinit::facts {

namespace {

// The value for an error message; a large one by its type alone.
std::string shown(const base::Json& json) {
  if (json.is_null()) return "null";
  if (json.as_array() != nullptr || json.as_object() != nullptr)
    return json.as_array() != nullptr ? "an array" : "an object";
  return std::string(json.type_name()) + " " + base::printable(base::print_json(json), 80);
}

bool is_number(const base::Json& json) { return json.type_name() == "number"; }

std::optional<std::uint64_t> as_count(const base::Json& json) {
  if (const auto* number = std::get_if<std::uint64_t>(&json.value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&json.value); number && *number >= 0)
    return static_cast<std::uint64_t>(*number);
  return std::nullopt;
}

}  // namespace

Error unknown_key(const std::string& path, const std::string& key,
                  const std::vector<std::string>& valid) {
  std::string message = path.empty() ? "" : path + ": ";
  message += "unknown key \"" + base::printable(key, 80) + "\"";
  const std::string suggestion = base::nearest(key, valid);
  if (!suggestion.empty()) message += ", did you mean \"" + suggestion + "\"?";
  else message += "; valid are " + base::join_with(valid, ", ");
  return Error{message};
}

const base::Json* Reader::look_up(const char* name) {
  if (std::ranges::find(names_, name) == names_.end()) names_.emplace_back(name);
  return json_.find(name);
}

void Reader::refuse_unknown_keys() {
  for (const auto& [key, item] : *json_.as_object()) {
    if (is_comment(key) || std::ranges::find(names_, key) != names_.end()) continue;
    if (!shared_.error) shared_.error = unknown_key(path_, key, names_);
    return;
  }
}

void Reader::fail(const std::string& at, const std::string& message) {
  if (!shared_.error) shared_.error = Error{at + ": " + message};
}

void Reader::expected(const std::string& at, const std::string& what, const base::Json& got) {
  fail(at, "expected " + what + ", got " + shown(got));
}

Reader::NoValue Reader::no_value(const base::Json& json, const std::string& at,
                                 std::string& reason) {
  if (json.is_null()) return NoValue::kAbsent;
  const auto* object = json.as_object();
  if (object == nullptr || object->size() != 1) return NoValue::kIsOne;
  const auto& [key, text] = object->front();
  if (key != "absent" && key != "unknown") return NoValue::kIsOne;
  from_json(text, at + "." + key, kAnyForm, reason);
  return key == "absent" ? NoValue::kAbsent : NoValue::kUnknown;
}

void Reader::left_out(Driver& driver) {
  static const base::Json kNothing{base::JsonObject{}};
  read_struct(kNothing, path_, shared_, driver);
}

void Reader::left_out(Limits& limits) {
  static const base::Json kNothing{base::JsonObject{}};
  read_struct(kNothing, path_, shared_, limits);
}

void Reader::from_json(const base::Json& json, const std::string& at, const Form& form,
                       std::string& to) {
  const std::string example = form.example.empty() ? "" : " like " + std::string(form.example);
  const auto* text = json.as_string();
  if (text == nullptr) {
    // 12.10 and 12.1 are one number but two versions, so numbers are not taken.
    return fail(at, "expected a string" + example + ", got " + shown(json) +
                        (is_number(json) ? ": put it in quotes" : ""));
  }
  if (form.accepts != nullptr && !form.accepts(*text))
    return expected(at, "text like " + std::string(form.example), json);
  to = *text;
}

void Reader::from_json(const base::Json& json, const std::string& at, const Form&, bool& to) {
  const auto* value = json.as_bool();
  if (value == nullptr) return expected(at, "true or false", json);
  to = *value;
}

void Reader::from_json(const base::Json& json, const std::string& at, const Form&, int& to) {
  constexpr auto kLimit = std::numeric_limits<int>::max();
  if (const auto count = as_count(json); count && *count <= kLimit) {
    to = static_cast<int>(*count);
    return;
  }
  const auto* negative = std::get_if<std::int64_t>(&json.value);
  if (negative == nullptr || *negative < -kLimit || *negative > 0)
    return expected(at, "a whole number", json);
  to = static_cast<int>(*negative);
}

void Reader::from_json(const base::Json& json, const std::string& at, const Form& form,
                       std::uint64_t& to) {
  const auto count = as_count(json);
  const std::string example = form.example.empty() ? "" : " like " + std::string(form.example);
  if (!count) return expected(at, "a whole number" + example, json);
  to = *count;
}

void Reader::from_json(const base::Json& json, const std::string& at, const Form&, double& to) {
  if (const auto* value = std::get_if<double>(&json.value)) to = *value;
  else if (const auto count = as_count(json)) to = static_cast<double>(*count);
  else if (const auto* low = std::get_if<std::int64_t>(&json.value)) to = static_cast<double>(*low);
  else expected(at, "a number", json);
}

void Reader::from_json(const base::Json& json, const std::string& at, const Form&,
                       ProbeRun::Outcome& to) {
  const auto* text = json.as_string();
  const auto word = text == nullptr ? kOutcomeWords.end() : std::ranges::find(kOutcomeWords, *text);
  if (word == kOutcomeWords.end()) {
    std::vector<std::string> words(kOutcomeWords.begin(), kOutcomeWords.end());
    return expected(at, "one of " + base::join_with(words, ", "), json);
  }
  to = static_cast<ProbeRun::Outcome>(word - kOutcomeWords.begin());
}

}  // namespace gpuinit::facts
