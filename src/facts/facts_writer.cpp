// Facts to JSON: the archive of fact_fields.h that writes them.
#include <map>
#include <string>
#include <vector>

#include "facts/fact_fields.h"
#include "facts/facts_json.h"

namespace gpuinit::facts {

namespace {

using base::Json;

class Writer {
 public:
  template <class T>
  static Json write(const T& object) {
    Writer writer;
    describe(writer, object);
    return Json(std::move(writer.object_));
  }

  template <class T>
  void field(const char* name, const T& member, const Form& = kAnyForm) {
    object_.emplace_back(name, to_json(member));
  }
  template <class T>
  void required(const char* name, const T& member, const Form& = kAnyForm) {
    field(name, member);
  }

 private:
  static Json to_json(const std::string& text) { return text; }
  static Json to_json(bool value) { return value; }
  static Json to_json(int value) { return value; }
  static Json to_json(std::uint64_t value) { return value; }
  static Json to_json(double value) { return value; }
  static Json to_json(ProbeRun::Outcome outcome) {
    return kOutcomeWords[static_cast<std::size_t>(outcome)];
  }

  template <class T>
  static Json to_json(const std::vector<T>& items) {
    base::JsonArray array;
    array.reserve(items.size());
    for (const auto& item : items) array.push_back(to_json(item));
    return array;
  }

  template <class T>
  static Json to_json(const std::map<std::string, T>& items) {
    base::JsonObject object;
    for (const auto& [key, item] : items) object.emplace_back(key, to_json(item));
    return object;
  }

  template <class T>
  static Json to_json(const Fact<T>& fact) {
    return fact.known() ? to_json(*fact) : no_value(fact.is_unknown(), fact.reason());
  }
  static Json no_value(bool unknown, const std::string& reason) {
    if (!unknown && reason.empty()) return nullptr;
    return base::JsonObject{{unknown ? "unknown" : "absent", reason}};
  }

  template <class T>
  static Json to_json(const T& object) {
    return write(object);
  }

  base::JsonObject object_;
};

}  // namespace

Json image_to_json(const ImageFacts& image) { return Writer::write(image); }

Json node_to_json(const NodeFacts& node) { return Writer::write(node); }

Json facts_to_json(const Facts& facts) {
  return base::JsonObject{{"schema", kFactsSchema},
                          {"image", image_to_json(facts.image)},
                          {"node", node_to_json(facts.node)}};
}

}  // namespace gpuinit::facts
