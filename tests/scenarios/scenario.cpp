#include "scenarios/scenario.h"

#include <algorithm>
#include <stdexcept>

#include "scenarios/data.h"
#include "support/healthy.h"

namespace gpuinit::test {

namespace {

using base::Json;

const std::filesystem::path kDirectory = GPUINIT_SCENARIOS;

void refuse_unknown_keys(const Json& json, const std::string& where,
                         const std::vector<std::string>& known) {
  if (json.as_object() == nullptr) return;
  for (const auto& [key, value] : *json.as_object())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw std::runtime_error(where + " has no key " + key);
}

Json layer_over(const Json& below, const Json& above) {
  return above.is_null() ? below : merged(below, above);
}

// The node of healthy.json. Of device_nodes a scenario changes one by its path.
Json healthy_node() {
  Json node = at(healthy_json(), "node");
  Json device_nodes = base::JsonObject{};
  for (const Json& file : *at(node, "device_nodes").as_array())
    put(device_nodes, text_at(file, "path"), at(file, "open_errno"));
  put(node, "device_nodes", device_nodes);
  return node;
}

World world_of(const Json& json) {
  World world;
  world.image = at(json, "image");
  world.node = at(json, "node");
  for (const auto& [name, value] : table_at(json, "environment"))
    world.environment.emplace_back(name, *value.as_string());
  world.command = texts_at(json, "command");
  world.policy = texts_at(json, "policy");
  world.driver = text_at(json, "driver");
  return world;
}

}  // namespace

std::vector<std::filesystem::path> scenario_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Scenario read_scenario(const std::filesystem::path& file) {
  const Json json = read_toml(file);
  refuse_unknown_keys(json, "a scenario",
                      {"number", "title", "today", "sources", "cause", "seen_by",
                       "not_before_start", "reason", "image", "node", "base", "fault", "expect"});
  const std::vector<std::string> kWorld{"image",   "node",   "environment",
                                        "command", "policy", "driver"};
  refuse_unknown_keys(at(json, "base"), "[base]", kWorld);
  refuse_unknown_keys(at(json, "fault"), "[fault]", kWorld);
  refuse_unknown_keys(at(json, "expect"), "[expect]",
                      {"fail", "warn", "exit_code", "class", "says"});

  Scenario scenario;
  scenario.file_name = file.stem().string();
  scenario.number = number_at(json, "number");
  scenario.title = text_at(json, "title");
  scenario.today = texts_at(json, "today");
  scenario.sources = texts_at(json, "sources");
  scenario.cause = text_at(json, "cause");
  scenario.seen_by = text_at(json, "seen_by");
  scenario.not_before_start = flag_at(json, "not_before_start");
  scenario.reason = text_at(json, "reason");

  const Json image = read_toml(kDirectory / "templates" /
                               ("image-" + text_at(json, "image", "pytorch") + ".toml"));
  // Names may be made of names.
  const Json names = expanded(at(image, "names"), at(image, "names"));
  Json healthy = base::JsonObject{{"image", image}, {"node", healthy_node()}};
  put(healthy, "command", base::JsonArray{"python", "train.py"});
  healthy = expanded(healthy, names);
  healthy = layer_over(healthy, expanded(at(json, "base"), names));
  scenario.healthy = world_of(healthy);
  scenario.faulty = world_of(layer_over(healthy, expanded(at(json, "fault"), names)));

  const Json& expect = at(json, "expect");
  scenario.fail = texts_at(expect, "fail");
  scenario.warn = texts_at(expect, "warn");
  scenario.exit_code = number_at(expect, "exit_code");
  scenario.exit_class = text_at(expect, "class");
  scenario.says = text_at(expect, "says");
  return scenario;
}

}  // namespace gpuinit::test
