// The archive of fact_fields.h that turns facts into JSON.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "facts/fact_fields.h"

namespace gpuinit::facts {

class Writer {
 public:
  template <class T>
  static base::Json write(const T& object) {
    Writer writer;
    describe(writer, object);
    return base::Json(std::move(writer.object_));
  }

  template <class T>
  void field(const char* name, const T& member, const Form& = kAnyForm) {
    add(name, to_json(member));
  }
  template <class T>
  void required(const char* name, const T& member, const Form& = kAnyForm) {
    field(name, member);
  }

 private:
  static base::Json to_json(const std::string& text) { return text; }
  static base::Json to_json(bool value) { return value; }
  static base::Json to_json(int value) { return value; }
  static base::Json to_json(std::uint64_t value) { return value; }
  static base::Json to_json(double value) { return value; }
  static base::Json to_json(ProbeRun::Outcome outcome) {
    return kOutcomeWords[static_cast<std::size_t>(outcome)];
  }

  template <class T>
  static base::Json to_json(const std::vector<T>& items) {
    base::JsonArray array;
    array.reserve(items.size());
    for (const auto& item : items) array.push_back(to_json(item));
    return array;
  }

  template <class T>
  static base::Json to_json(const std::map<std::string, T>& items) {
    base::JsonObject object;
    for (const auto& [key, item] : items) object.emplace_back(key, to_json(item));
    return object;
  }

  template <class T>
  static base::Json to_json(const Fact<T>& fact) {
    return fact.known() ? to_json(*fact) : no_value(fact.is_unknown(), fact.reason());
  }
  static base::Json no_value(bool unknown, const std::string& reason);

  template <class T>
  static base::Json to_json(const T& object) {
    return write(object);
  }

  void add(const char* name, base::Json json);

  base::JsonObject object_;
};

}  // namespace gpuinit::facts
