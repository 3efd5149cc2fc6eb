// Reads a JSON document that somebody wrote: knows the place ("node.devices[2].uuid") of each
// value, and keeps the first problem only, as later ones may follow from it.
//
//   std::optional<Error> problem;
//   const JsonReader root(json, "node", problem);
//   if (const auto name = root.member("name"))
//     if (const auto* text = name->string()) use(*text);
//   if (problem) …  // "node.name: expected a string, got number 7"
//
// Whoever is lenient does not look at the problem.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace gpuinit::base {

// The document, the reader that this one was made from, and `problem` must outlive it.
class JsonReader {
 public:
  JsonReader(const Json& json, std::string_view place, std::optional<Error>& problem)
      : json_(json), key_(place), problem_(problem) {}

  const Json& json() const { return json_; }
  bool failed() const { return problem_.has_value(); }

  // nullopt if there is no such member, or no object.
  std::optional<JsonReader> member(std::string_view key) const;
  // Each element of an array.
  template <class Use>
  void each(const Use& use) const {
    const JsonArray* items = array();
    for (std::size_t i = 0; items != nullptr && i < items->size(); ++i)
      use(JsonReader((*items)[i], *this, {}, i));
  }
  // A value that object() has under `key`.
  JsonReader entry(std::string_view key, const Json& value) const {
    return JsonReader(value, *this, key, std::nullopt);
  }

  // Null (nullopt) if the value is of another type, which is a problem.
  const JsonObject* object() const;
  const JsonArray* array() const;
  const std::string* string() const;
  const bool* boolean() const;
  // `like` is an example for the message: "expected a whole number like 4096, got …".
  std::optional<std::uint64_t> count(std::string_view like = "") const;
  std::optional<int> integer() const;
  std::optional<double> number() const;
  // Those elements of an array that are strings; the others are a problem.
  std::vector<std::string> strings() const;

  // A problem of this value, or of a member that need not be there: "node.name: message".
  void fail(const std::string& message) const;
  void fail_at(std::string_view key, const std::string& message) const;
  // "expected `what`, got number 7", and `hint` after it.
  void expected(const std::string& what, std::string_view hint = "") const;
  // An object may have these members, and those that `ignored` says.
  void refuse_other_members(const std::vector<std::string>& known,
                            bool (*ignored)(std::string_view key) = nullptr) const;

 private:
  JsonReader(const Json& json, const JsonReader& parent, std::string_view key,
             std::optional<std::size_t> index)
      : json_(json), parent_(&parent), key_(key), index_(index), problem_(parent.problem_) {}

  std::string place() const;

  const Json& json_;
  const JsonReader* parent_ = nullptr;
  std::string_view key_;
  std::optional<std::size_t> index_;  // of an array's element, which has no key
  std::optional<Error>& problem_;
};

}  // namespace gpuinit::base
