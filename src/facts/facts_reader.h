// The archive of fact_fields.h that fills facts from JSON, strict because
// people write these files by hand. The first problem ends the reading.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "facts/fact_fields.h"
#include "gpuinit/result.h"

namespace gpuinit::facts {

// True for keys that a reader passes over: "_comment", "$schema".
inline bool is_comment(std::string_view key) {
  return key.starts_with('_') || key.starts_with('$');
}

// `path: unknown key "dirver", did you mean "driver"?`
Error unknown_key(const std::string& path, const std::string& key,
                  const std::vector<std::string>& valid);

class Reader {
 public:
  // Reads `json` into `object`. `path` names the place in errors; `missing` is
  // the reason of every fact that is left out.
  template <class T>
  static Status read(const base::Json& json, const std::string& path, const std::string& missing,
                     T& object) {
    std::optional<Error> error;
    read_struct(json, path, {missing, error}, object);
    if (error) return std::move(*error);
    return Done{};
  }

  template <class T>
  void field(const char* name, T& member, const Form& form = kAnyForm) {
    if (const auto* json = look_up(name)) {
      from_json(*json, place(name), form, member);
    } else {
      left_out(member);
    }
  }

  template <class T>
  void required(const char* name, T& member, const Form& form = kAnyForm) {
    if (look_up(name) == nullptr) return fail(place(name), "is missing");
    field(name, member, form);
  }

 private:
  struct Shared {
    const std::string& missing;
    std::optional<Error>& error;
  };

  Reader(const base::Json& json, const std::string& path, Shared shared)
      : json_(json), path_(path), shared_(shared) {}

  template <class T>
  static void read_struct(const base::Json& json, const std::string& path, Shared shared,
                          T& object) {
    Reader reader(json, path, shared);
    if (json.as_object() == nullptr) return reader.expected(path, "an object", json);
    describe(reader, object);
    reader.refuse_unknown_keys();
  }

  const base::Json* look_up(const char* name);
  std::string place(std::string_view name) const { return path_ + "." + std::string(name); }
  void refuse_unknown_keys();

  // Only the first error is kept: later ones may follow from it.
  void fail(const std::string& place, const std::string& message);
  void expected(const std::string& place, const std::string& what, const base::Json& got);

  // Whether `json` is a value, or says why there is none. Not in the template below: that
  // is compiled for every kind of fact.
  enum class NoValue { kIsOne, kAbsent, kUnknown };
  NoValue no_value(const base::Json& json, const std::string& at, std::string& reason);

  template <class T>
  void left_out(T&) {}
  template <class T>
  void left_out(Fact<T>& fact) {
    fact = Fact<T>::unknown(shared_.missing);
  }
  // Not facts themselves, so what is left out are their facts.
  void left_out(Driver& driver);
  void left_out(Limits& limits);

  void from_json(const base::Json& json, const std::string& at, const Form& form, std::string& to);
  void from_json(const base::Json& json, const std::string& at, const Form& form, bool& to);
  void from_json(const base::Json& json, const std::string& at, const Form& form, int& to);
  void from_json(const base::Json& json, const std::string& at, const Form& form,
                 std::uint64_t& to);
  void from_json(const base::Json& json, const std::string& at, const Form& form, double& to);
  void from_json(const base::Json& json, const std::string& at, const Form& form,
                 ProbeRun::Outcome& to);

  template <class T>
  void from_json(const base::Json& json, const std::string& at, const Form& form,
                 std::vector<T>& to) {
    const auto* array = json.as_array();
    if (array == nullptr) return expected(at, "an array", json);
    to.assign(array->size(), T());
    for (std::size_t i = 0; i < array->size() && !shared_.error; ++i)
      from_json((*array)[i], at + "[" + std::to_string(i) + "]", form, to[i]);
  }

  template <class T>
  void from_json(const base::Json& json, const std::string& at, const Form& form,
                 std::map<std::string, T>& to) {
    const auto* object = json.as_object();
    if (object == nullptr) return expected(at, "an object", json);
    to.clear();
    for (const auto& [key, item] : *object) {
      if (!is_comment(key)) from_json(item, at + "." + base::printable(key, 80), form, to[key]);
    }
  }

  template <class T>
  void from_json(const base::Json& json, const std::string& at, const Form& form, Fact<T>& to) {
    std::string reason;
    const NoValue none = no_value(json, at, reason);
    if (none != NoValue::kIsOne) {
      to = none == NoValue::kAbsent ? Fact<T>::absent(std::move(reason))
                                    : Fact<T>::unknown(std::move(reason));
      return;
    }
    T value{};
    from_json(json, at, form, value);
    to = std::move(value);
  }

  template <class T>
  void from_json(const base::Json& json, const std::string& at, const Form&, T& to) {
    read_struct(json, at, shared_, to);
  }

  const base::Json& json_;
  const std::string& path_;
  Shared shared_;
  std::vector<std::string> names_;
};

}  // namespace gpuinit::facts
