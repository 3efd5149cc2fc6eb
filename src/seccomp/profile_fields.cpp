#include "seccomp/profile_fields.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "seccomp/profile_enums.h"

namespace gpuinit::seccomp {

using base::Json;

namespace {

std::optional<std::uint64_t> whole_number(const Json& json) {
  if (const auto* number = std::get_if<std::uint64_t>(&json.value)) return *number;
  const auto* number = std::get_if<std::int64_t>(&json.value);
  return number != nullptr && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number))
                                           : std::nullopt;
}

}  // namespace

std::string quoted(std::string_view text) { return "`" + base::printable(text, 60) + "`"; }

Error wrong(const std::string& place, const std::string& message) {
  return Error{place + ": " + message};
}

Error wrong_type(const std::string& place, const char* expected, const Json& found) {
  return wrong(place,
               std::string("expected ") + expected + ", found " + std::string(found.type_name()));
}

const Json* member(const Json& object, std::string_view key) {
  const Json* found = object.find(key);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

Status check_keys(const Json& object, const std::string& place,
                  const std::vector<std::string>& known) {
  if (object.as_object() == nullptr) return wrong_type(place, "an object", object);
  for (const auto& [key, value] : *object.as_object()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = base::nearest(key, known);
    return wrong(place, "unknown key " + quoted(key) +
                            (near.empty() ? "" : "; did you mean `" + near + "`?"));
  }
  return Done{};
}

Result<std::vector<std::string>> strings(const Json& object, const char* key,
                                         const std::string& place) {
  std::vector<std::string> result;
  const Json* list = member(object, key);
  if (list == nullptr) return result;
  const std::string here = place + key;
  if (list->as_array() == nullptr) return wrong_type(here, "an array", *list);
  for (const Json& item : *list->as_array()) {
    if (item.as_string() == nullptr)
      return wrong_type(here + "[" + std::to_string(result.size()) + "]", "a string", item);
    result.push_back(*item.as_string());
  }
  return result;
}

Result<std::uint64_t> number(const Json& object, const char* key, const std::string& place,
                             std::uint64_t absent, std::uint64_t largest) {
  const Json* json = member(object, key);
  if (json == nullptr) return absent;
  const auto value = whole_number(*json);
  if (!value) return wrong_type(place + key, "a whole number that is not negative", *json);
  if (*value > largest)
    return wrong(place + key, std::to_string(*value) + " is more than " + std::to_string(largest));
  return *value;
}

Result<int> error_number(const Json& object, const char* number_key, const char* name_key,
                         const std::string& place) {
  auto value = number(object, number_key, place, EPERM, kLargestErrno);
  if (!value) return std::move(value).error();
  const Json* name = member(object, name_key);
  if (name == nullptr) return static_cast<int>(*value);
  if (name->as_string() == nullptr) return wrong_type(place + name_key, "a string", *name);
  if (name->as_string()->empty()) return static_cast<int>(*value);
  if (const auto named = errno_by_name(*name->as_string())) return *named;
  return wrong(place + name_key, "there is no error " + quoted(*name->as_string()));
}

Result<Action> action_member(const Json& object, const char* key, const std::string& place) {
  const Json* json = member(object, key);
  if (json == nullptr) return wrong(place + key, "is missing");
  if (json->as_string() == nullptr) return wrong_type(place + key, "a string", *json);
  const std::string& word = *json->as_string();
  if (const auto known = action_by_name(word)) return *known;
  const std::string_view why = why_not_supported(word);
  if (!why.empty()) return wrong(place + key, word + " is not supported: " + std::string(why));
  return wrong(place + key, "there is no action " + quoted(word));
}

}  // namespace gpuinit::seccomp
