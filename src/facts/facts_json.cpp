// The documents around the facts: what may stand beside "image" and "node".
#include "facts/facts_json.h"

#include <algorithm>

#include "facts/facts_reader.h"
#include "facts/facts_writer.h"

namespace gpuinit::facts {

namespace {

const std::vector<std::string>& top_level_keys() {
  static const std::vector<std::string> kKeys{"schema",    "image",    "node",  "verdict",
                                              "exit_code", "findings", "facts", "timings_ms"};
  return kKeys;
}

// The object that holds "image" and "node": the document itself, or the "facts"
// of a report.
Result<const base::Json*> facts_object(const base::Json& document) {
  const auto* object = document.as_object();
  if (object == nullptr)
    return Error{"expected an object like {\"node\": {…}}, got " +
                 std::string(document.type_name())};
  for (const auto& [key, item] : *object) {
    if (is_comment(key) || std::ranges::find(top_level_keys(), key) != top_level_keys().end())
      continue;
    if (key == "driver" || key == "devices" || key == "device_nodes")
      return Error{"\"" + key + "\" belongs inside \"node\": write {\"node\": {\"" + key +
                   "\": …}}"};
    return unknown_key("", key, top_level_keys());
  }
  if (const auto* schema = document.find("schema")) {
    const auto* number = std::get_if<std::uint64_t>(&schema->value);
    const auto* small = std::get_if<std::int64_t>(&schema->value);
    if (!(number && *number == kFactsSchema) && !(small && *small == kFactsSchema))
      return Error{"schema: this gpuinit reads schema " + std::to_string(kFactsSchema) + ", got " +
                   base::printable(base::print_json(*schema), 80)};
  }
  const auto* facts = document.find("facts");
  if (facts == nullptr) return &document;
  if (document.find("node") != nullptr)
    return Error{"\"node\" and \"facts\" side by side: keep the one you mean"};
  if (facts->as_object() == nullptr)
    return Error{"facts: expected an object, got " + std::string(facts->type_name())};
  return facts;
}

template <class T>
Status read_part(const base::Json& document, const char* name, const std::string& missing,
                 T& part) {
  auto facts = facts_object(document);
  if (!facts) return std::move(facts).error();
  const auto* json = (*facts)->find(name);
  if (json == nullptr) return Error{std::string("there is no \"") + name + "\" in it"};
  return Reader::read(*json, name, missing, part);
}

}  // namespace

void Writer::add(const char* name, base::Json json) { object_.emplace_back(name, std::move(json)); }

base::Json Writer::no_value(bool unknown, const std::string& reason) {
  if (!unknown && reason.empty()) return nullptr;
  return base::JsonObject{{unknown ? "unknown" : "absent", reason}};
}

base::Json image_to_json(const ImageFacts& image) { return Writer::write(image); }

base::Json node_to_json(const NodeFacts& node) { return Writer::write(node); }

base::Json facts_to_json(const Facts& facts) {
  return base::JsonObject{{"schema", kFactsSchema},
                          {"image", image_to_json(facts.image)},
                          {"node", node_to_json(facts.node)}};
}

Result<NodeFacts> node_from_json(const base::Json& document) {
  NodeFacts node;
  auto done = read_part(document, "node", "not in the node file", node);
  if (!done) return std::move(done).error();
  return node;
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
