// Facts from JSON: the archive of fact_fields.h that fills them, and the documents that hold
// them. Strict, because people write these files by hand.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/text.h"
#include "facts/fact_fields.h"
#include "facts/facts_json.h"

namespace gpuinit::facts {

namespace {

using base::JsonReader;

// Keys that are passed over: "_comment", "$schema".
bool is_comment(std::string_view key) { return key.starts_with('_') || key.starts_with('$'); }

// True for {"absent": reason} and {"unknown": reason}, as `key` asks.
bool says(const JsonReader& in, std::string_view key, std::string& reason) {
  const auto* object = in.json().as_object();
  if (object == nullptr || object->size() != 1 || object->front().first != key) return false;
  if (const auto* text = in.member(key)->string()) reason = *text;
  return true;
}

class Reader {
 public:
  // `missing` is the reason of every fact that is left out.
  template <class T>
  static void read(const JsonReader& in, const std::string& missing, T& object) {
    if (in.object() == nullptr) return;
    Reader reader(in, missing);
    describe(reader, object);
    in.refuse_other_members(reader.names_, is_comment);
  }

  template <class T>
  void field(const char* name, T& member, const Form& form = kAnyForm) {
    if (const auto found = look_up(name)) from_json(*found, form, member);
    else left_out(member);
  }

  template <class T>
  void required(const char* name, T& member, const Form& form = kAnyForm) {
    if (in_.json().find(name) == nullptr) in_.fail_at(name, "is missing");
    field(name, member, form);
  }

 private:
  Reader(const JsonReader& in, const std::string& missing) : in_(in), missing_(missing) {}

  std::optional<JsonReader> look_up(const char* name) {
    names_.emplace_back(name);
    return in_.member(name);
  }

  template <class T>
  void left_out(T& member) {
    // Not facts themselves: what is left out are the facts in them.
    if constexpr (std::same_as<T, Driver> || std::same_as<T, Limits>) {
      static const base::Json kNothing{base::JsonObject{}};
      read(in_.entry("", kNothing), missing_, member);
    }
  }
  template <class T>
  void left_out(Fact<T>& fact) {
    fact = Fact<T>::unknown(missing_);
  }

  void from_json(const JsonReader& in, const Form& form, std::string& to) {
    const std::string like = form.example.empty() ? "" : " like " + std::string(form.example);
    const auto* text = in.json().as_string();
    // 12.10 and 12.1 are one number but two versions, so numbers are not taken.
    if (text == nullptr)
      return in.expected("a string" + like, in.json().as_number() ? ": put it in quotes" : "");
    if (form.accepts != nullptr && !form.accepts(*text)) return in.expected("text" + like);
    to = *text;
  }
  void from_json(const JsonReader& in, const Form&, bool& to) {
    if (const auto* value = in.boolean()) to = *value;
  }
  void from_json(const JsonReader& in, const Form&, int& to) { to = in.integer().value_or(to); }
  void from_json(const JsonReader& in, const Form& form, std::uint64_t& to) {
    to = in.count(form.example).value_or(to);
  }
  void from_json(const JsonReader& in, const Form&, double& to) { to = in.number().value_or(to); }
  void from_json(const JsonReader& in, const Form&, ProbeRun::Outcome& to) {
    const auto* text = in.json().as_string();
    const auto word =
        text == nullptr ? kOutcomeWords.end() : std::ranges::find(kOutcomeWords, *text);
    if (word == kOutcomeWords.end())
      return in.expected("one of " +
                         base::join_with({kOutcomeWords.begin(), kOutcomeWords.end()}, ", "));
    to = static_cast<ProbeRun::Outcome>(word - kOutcomeWords.begin());
  }

  template <class T>
  void from_json(const JsonReader& in, const Form& form, std::vector<T>& to) {
    to.clear();
    in.each([&](const JsonReader& item) { from_json(item, form, to.emplace_back()); });
  }

  template <class T>
  void from_json(const JsonReader& in, const Form& form, std::map<std::string, T>& to) {
    to.clear();
    if (const auto* object = in.object())
      for (const auto& [key, value] : *object)
        if (!is_comment(key)) from_json(in.entry(key, value), form, to[key]);
  }

  template <class T>
  void from_json(const JsonReader& in, const Form& form, Fact<T>& to) {
    std::string reason;
    if (in.json().is_null() || says(in, "absent", reason)) {
      to = Fact<T>::absent(std::move(reason));
    } else if (says(in, "unknown", reason)) {
      to = Fact<T>::unknown(std::move(reason));
    } else {
      to = T{};
      from_json(in, form, to.value());
    }
  }

  template <class T>
  void from_json(const JsonReader& in, const Form&, T& to) {
    read(in, missing_, to);
  }

  const JsonReader& in_;
  const std::string& missing_;
  std::vector<std::string> names_;
};

// The object that holds "image" and "node": the document itself, or the "facts" of a report.
// Null with the problem.
const base::Json* facts_object(const JsonReader& document) {
  if (document.json().as_object() == nullptr) {
    document.expected("an object like {\"node\": {…}}");
    return nullptr;
  }
  for (const char* key : {"driver", "devices", "device_nodes"})
    if (document.member(key))
      document.fail("\"" + std::string(key) + "\" belongs inside \"node\": write {\"node\": {\"" +
                    key + "\": …}}");
  // A report has a number of its own, the facts in it theirs, and whatever a later one adds.
  const auto facts = document.member("facts");
  if (!facts) document.refuse_other_members({"schema", "image", "node", "facts"}, is_comment);
  if (const auto schema = (facts ? *facts : document).member("schema");
      schema && schema->json().as_count() != std::uint64_t{kFactsSchema})
    schema->fail("this gpuinit reads schema " + std::to_string(kFactsSchema) +
                 " of the facts, got " + base::printable(base::print_json(schema->json()), 80));
  if (facts && document.member("node"))
    document.fail("\"node\" and \"facts\" side by side: keep the one you mean");
  if (facts && facts->object() == nullptr) return nullptr;
  return facts ? &facts->json() : &document.json();
}

template <class T>
Status read_part(const base::Json& document, const char* name, const std::string& missing,
                 T& part) {
  std::optional<Error> problem;
  const auto* facts = facts_object(JsonReader(document, "", problem));
  if (problem) return std::move(*problem);
  const auto* json = facts->find(name);
  if (json == nullptr) return Error{std::string("there is no \"") + name + "\" in it"};
  Reader::read(JsonReader(*json, name, problem), missing, part);
  if (problem) return std::move(*problem);
  return Done{};
}

}  // namespace

Result<NodeFacts> node_from_json(const base::Json& document) {
  NodeFacts node;
  auto done = read_part(document, "node", "not in the node file", node);
  if (!done) return std::move(done).error();
  return node;
}

Result<ImageFacts> image_from_json(const base::Json& document) {
  ImageFacts image;
  auto done = read_part(document, "image", "not in the facts file", image);
  if (!done) return std::move(done).error();
  return image;
}

Result<Facts> facts_from_json(const base::Json& document) {
  Facts facts;
  auto image = read_part(document, "image", "not in the facts file", facts.image);
  if (!image) return std::move(image).error();
  auto node = read_part(document, "node", "not in the facts file", facts.node);
  if (!node) return std::move(node).error();
  return facts;
}

}  // namespace gpuinit::facts
