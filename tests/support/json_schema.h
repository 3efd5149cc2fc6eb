// Holds a value against a JSON Schema, of the keywords that docs/*.schema.json use; one that is not
// known here is a problem, not passed over.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "base/json.h"

namespace gpuinit::test {

class JsonSchema {
 public:
  // By file name, as "$ref" has them: {"facts.schema.json", …}.
  explicit JsonSchema(std::map<std::string, base::Json> files) : files_(std::move(files)) {}

  // The first problem, with its place; empty: `json` fits. `ref`:
  // "report.schema.json#/$defs/event".
  std::string problem(const base::Json& json, const std::string& ref) const {
    return by_ref(json, ref, "", "");
  }

 private:
  using Json = base::Json;

  std::string by_ref(const Json& json, const std::string& ref, const std::string& file,
                     const std::string& place) const {
    const auto hash = ref.find('#');
    const std::string in = hash == 0 ? file : ref.substr(0, hash);
    const auto found = files_.find(in);
    if (found == files_.end()) return place + ": no schema " + ref;
    const Json* schema = &found->second;
    std::string rest = hash == std::string::npos ? "" : ref.substr(hash + 1);
    while (!rest.empty() && schema != nullptr) {
      const auto end = rest.find('/', 1);
      schema = schema->find(rest.substr(1, end == std::string::npos ? end : end - 1));
      rest = end == std::string::npos ? "" : rest.substr(end);
    }
    if (schema == nullptr) return place + ": no schema " + ref;
    return check(json, *schema, in, place);
  }

  static bool is_type(const Json& json, const std::string& type) {
    if (type == "integer")
      return json.as_count() || std::holds_alternative<std::int64_t>(json.value);
    return json.type_name() == type;
  }

  static bool equal(const Json& one, const Json& other) {
    return base::print_json_line(one) == base::print_json_line(other);
  }

  std::string check(const Json& json, const Json& schema, const std::string& file,
                    const std::string& place) const {
    for (const auto& [keyword, value] : *schema.as_object()) {
      std::string wrong = check_keyword(keyword, value, json, schema, file, place);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  std::string check_keyword(const std::string& keyword, const Json& value, const Json& json,
                            const Json& schema, const std::string& file,
                            const std::string& place) const {
    const std::string wrong = place + ": " + base::print_json_line(json).substr(0, 120) +
                              " is not as `" + keyword + "` has it";
    if (keyword == "$ref") return by_ref(json, *value.as_string(), file, place);
    if (keyword == "type") return is_type(json, *value.as_string()) ? "" : wrong;
    if (keyword == "const") return equal(json, value) ? "" : wrong;
    if (keyword == "enum")
      return std::ranges::any_of(*value.as_array(),
                                 [&](const Json& one) { return equal(json, one); })
                 ? ""
                 : wrong;
    if (keyword == "anyOf") {
      std::string first;
      for (const Json& one : *value.as_array()) {
        std::string problem = check(json, one, file, place);
        if (problem.empty()) return "";
        if (first.empty()) first = std::move(problem);
      }
      return first;
    }
    if (keyword == "items") {
      for (std::size_t i = 0; json.as_array() != nullptr && i < json.as_array()->size(); ++i)
        if (auto in =
                check((*json.as_array())[i], value, file, place + "[" + std::to_string(i) + "]");
            !in.empty())
          return in;
      return "";
    }
    if (keyword == "required") {
      for (const Json& name : *value.as_array())
        if (json.find(*name.as_string()) == nullptr) return place + ": lacks " + *name.as_string();
      return "";
    }
    if (keyword == "properties" || keyword == "additionalProperties")
      return check_members(keyword, value, json, schema, file, place);
    static const std::string kSaysNothing = " $schema $id $defs title description pattern minimum ";
    return kSaysNothing.find(" " + keyword + " ") != std::string::npos
               ? ""
               : place + ": the keyword " + keyword + " is not known here";
  }

  std::string check_members(const std::string& keyword, const Json& value, const Json& json,
                            const Json& schema, const std::string& file,
                            const std::string& place) const {
    if (json.as_object() == nullptr) return "";
    const Json* const known = schema.find("properties");
    for (const auto& [name, member] : *json.as_object()) {
      const Json* const of = known == nullptr ? nullptr : known->find(name);
      const std::string at = place + "." + name;
      std::string wrong;
      if (keyword == "properties" && of != nullptr) wrong = check(member, *of, file, at);
      if (keyword == "additionalProperties" && of == nullptr)
        wrong = value.as_bool() != nullptr ? (*value.as_bool() ? "" : at + " is not in the schema")
                                           : check(member, value, file, at);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  std::map<std::string, base::Json> files_;
};

}  // namespace gpuinit::test
