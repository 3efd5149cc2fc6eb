#include "scenarios/data.h"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace gpuinit::test {

namespace {

using base::Json;
using base::JsonArray;
using base::JsonObject;

Json from_toml(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    JsonObject object;
    for (const auto& [key, value] : *table)
      object.emplace_back(std::string(key.str()), from_toml(value));
    return object;
  }
  if (const auto* array = node.as_array()) {
    JsonArray items;
    for (const auto& item : *array) items.push_back(from_toml(item));
    return items;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::int64_t{number->get()};
  if (const auto* real = node.as_floating_point()) return real->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  throw std::runtime_error("scenarios have no dates");
}

[[noreturn]] void wrong_type(std::string_view key, const char* expected, const Json& json) {
  throw std::runtime_error(std::string(key) + ": expected " + expected + ", got " +
                           base::print_json(json));
}

std::string expanded_text(std::string text, const JsonObject& names) {
  for (const auto& [name, value] : names) {
    const std::string word = "$" + name;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
      // "$torch" is not the beginning of "$torch_rpath".
      const std::size_t end = at + word.size();
      const bool whole = end == text.size() || (text[end] != '_' && !std::isalnum(text[end]));
      if (whole) text.replace(at, word.size(), *value.as_string());
      at += whole ? value.as_string()->size() : word.size();
    }
  }
  return text;
}

bool is_one_fact(const Json& json) {
  const auto* object = json.as_object();
  return object != nullptr && object->size() == 1 &&
         (object->front().first == "absent" || object->front().first == "unknown");
}

void remove_from(JsonObject& object, const std::string& name) {
  std::vector<std::string> files;
  const auto goes = [&](const auto& entry) {
    if (entry.first != name && !entry.first.starts_with(name + "/")) return false;
    if (const Json* brought = entry.second.find("files")) files.push_back(*brought->as_string());
    return true;
  };
  object.erase(std::remove_if(object.begin(), object.end(), goes), object.end());
  for (auto& [key, value] : object)
    if (auto* table = std::get_if<JsonObject>(&value.value)) {
      table->erase(std::remove_if(table->begin(), table->end(), goes), table->end());
    }
  // A wheel takes its files along.
  for (const auto& directory : files) remove_from(object, directory);
}

}  // namespace

Json read_toml(const std::filesystem::path& file) {
  try {
    return from_toml(toml::parse_file(file.string()));
  } catch (const toml::parse_error& error) {
    std::ostringstream text;
    text << error;
    throw std::runtime_error(text.str());
  }
}

Json expanded(const Json& json, const Json& names) {
  if (const auto* text = json.as_string()) return expanded_text(*text, *names.as_object());
  if (const auto* array = json.as_array()) {
    JsonArray items;
    for (const auto& item : *array) items.push_back(expanded(item, names));
    return items;
  }
  const auto* object = json.as_object();
  if (object == nullptr) return json;
  JsonObject members;
  for (const auto& [key, value] : *object)
    members.emplace_back(expanded_text(key, *names.as_object()), expanded(value, names));
  return members;
}

Json merged(Json below, const Json& above) {
  auto* object = std::get_if<JsonObject>(&below.value);
  const auto* layer = above.as_object();
  if (object == nullptr || layer == nullptr || is_one_fact(above) || is_one_fact(below))
    return above;
  for (const auto& name : texts_at(above, "remove")) {
    const std::size_t before = base::print_json(below).size();
    remove_from(*object, name);
    if (base::print_json(below).size() == before)
      throw std::runtime_error("remove: there is no " + name);
  }
  for (const auto& [key, value] : *layer) {
    if (key == "remove") continue;
    const Json* old = below.find(key);
    put(below, key, old != nullptr ? merged(*old, value) : value);
  }
  return below;
}

const Json& at(const Json& json, std::string_view key) {
  static const Json kNothing;
  const Json* found = json.find(key);
  return found != nullptr ? *found : kNothing;
}

std::string text_at(const Json& json, std::string_view key, const std::string& otherwise) {
  const Json& found = at(json, key);
  if (found.is_null()) return otherwise;
  if (found.as_string() == nullptr) wrong_type(key, "a text", found);
  return *found.as_string();
}

std::vector<std::string> texts_at(const Json& json, std::string_view key) {
  const Json& found = at(json, key);
  std::vector<std::string> texts;
  if (found.is_null()) return texts;
  if (found.as_array() == nullptr) wrong_type(key, "a list of texts", found);
  for (const auto& item : *found.as_array()) {
    if (item.as_string() == nullptr) wrong_type(key, "a list of texts", found);
    texts.push_back(*item.as_string());
  }
  return texts;
}

const JsonObject& table_at(const Json& json, std::string_view key) {
  static const JsonObject kEmpty;
  const Json& found = at(json, key);
  if (found.is_null()) return kEmpty;
  if (found.as_object() == nullptr) wrong_type(key, "a table", found);
  return *found.as_object();
}

int number_at(const Json& json, std::string_view key, int otherwise) {
  const Json& found = at(json, key);
  if (found.is_null()) return otherwise;
  const auto* number = std::get_if<std::int64_t>(&found.value);
  if (number == nullptr) wrong_type(key, "a number", found);
  return static_cast<int>(*number);
}

bool flag_at(const Json& json, std::string_view key) {
  const Json& found = at(json, key);
  if (found.is_null()) return false;
  if (found.as_bool() == nullptr) wrong_type(key, "true or false", found);
  return *found.as_bool();
}

void put(Json& object, const std::string& key, Json value) {
  if (object.as_object() == nullptr) object = JsonObject{};
  auto& members = std::get<JsonObject>(object.value);
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return member.first == key; });
  if (found != members.end()) found->second = std::move(value);
  else members.emplace_back(key, std::move(value));
}

}  // namespace gpuinit::test
