// Facts survive the way to JSON text and back.
#include "facts/facts_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "facts/sample_facts.h"

namespace gpuinit::facts {
namespace {

// Through text, as a saved file goes.
Result<Facts> round_trip(const Facts& facts) {
  auto json = base::parse_json(base::print_json(facts_to_json(facts)));
  if (!json) return std::move(json).error();
  return facts_from_json(*json);
}

void expect_unchanged(const Facts& facts) {
  auto back = round_trip(facts);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->image, facts.image);
  EXPECT_EQ(back->node, facts.node);
}

// The keys of every object below `json` that are null, or {"unknown": "not looked at"}.
void collect_unset(const base::Json& json, const std::string& path,
                   std::vector<std::string>& unset) {
  if (json.is_null()) unset.push_back(path);
  if (const auto* object = json.as_object())
    for (const auto& [key, item] : *object) collect_unset(item, path + "." + key, unset);
  if (const auto* array = json.as_array(); array != nullptr && !array->empty())
    collect_unset(array->front(), path + "[0]", unset);
  if (const auto* text = json.as_string(); text != nullptr && *text == "not looked at")
    unset.push_back(path);
}

TEST(FactsJson, FullFactsComeBackAsTheyWere) { expect_unchanged(test::full_facts()); }

TEST(FactsJson, EmptyFactsComeBackAsTheyWere) { expect_unchanged(Facts{}); }

TEST(FactsJson, AbsentFactsComeBackAsTheyWere) { expect_unchanged(test::absent_facts()); }

TEST(FactsJson, EmptyStructsComeBackAsTheyWere) {
  Facts facts;
  facts.image.interpreter = Interpreter{};
  facts.image.torch = Torch{};
  facts.image.torch->device_code = DeviceCode{};
  facts.image.cuda_runtime = CudaRuntime{};
  facts.node.driver.libcuda = LibCuda{};
  facts.node.device_nodes = std::vector<DeviceNode>{};
  facts.node.devices = std::vector<Device>{Device{}};
  facts.node.devices.value()[0].context = ContextTrial{};
  facts.node.environment = std::map<std::string, std::string>{};
  facts.node.probe = ProbeRun{};
  expect_unchanged(facts);
}

TEST(FactsJson, EveryProbeOutcomeComesBack) {
  for (int i = 0; i <= static_cast<int>(ProbeRun::Outcome::kNotStarted); ++i) {
    Facts facts;
    facts.node.probe = ProbeRun{};
    facts.node.probe->outcome = static_cast<ProbeRun::Outcome>(i);
    expect_unchanged(facts);
  }
}

// Guards the sample itself: a field that nobody filled would prove nothing.
TEST(FactsJson, TheFullSampleLeavesNoFieldOut) {
  std::vector<std::string> unset;
  collect_unset(facts_to_json(test::full_facts()), "", unset);
  EXPECT_THAT(unset, testing::IsEmpty());
}

TEST(FactsJson, WritesTheContractedNames) {
  const auto json = facts_to_json(test::full_facts());
  const auto at = [&](std::initializer_list<const char*> keys) -> const base::Json* {
    const base::Json* place = &json;
    for (const char* key : keys) {
      if (place != nullptr && place->as_array() != nullptr) place = &place->as_array()->front();
      if (place != nullptr) place = place->find(key);
    }
    return place;
  };
  for (auto keys : std::initializer_list<std::initializer_list<const char*>>{
           {"schema"},
           {"image", "interpreter", "path"},
           {"image", "interpreter", "version"},
           {"image", "interpreter", "soabi"},
           {"image", "torch", "path"},
           {"image", "torch", "version"},
           {"image", "torch", "cuda"},
           {"image", "torch", "soabi"},
           {"image", "torch", "arch_list"},
           {"image", "cuda_runtime", "path"},
           {"image", "cuda_runtime", "version"},
           {"node", "driver", "kernel_version"},
           {"node", "driver", "cuda_version"},
           {"node", "driver", "libcuda"},
           {"node", "devices", "name"},
           {"node", "devices", "uuid"},
           {"node", "devices", "compute_capability"},
           {"node", "devices", "memory_bytes"}}) {
    std::string name;
    for (const char* key : keys) name += std::string(".") + key;
    EXPECT_NE(at(keys), nullptr) << name;
  }
  EXPECT_EQ(*at({"node", "devices", "compute_capability"})->as_string(), "9.0");
}

TEST(FactsJson, SpellsKnownAbsentAndUnknown) {
  Driver driver;
  NodeFacts node;
  node.driver.kernel_version = std::string("535.104.05");
  node.driver.cuda_version = Fact<std::string>::absent();
  node.driver.libcuda = Fact<LibCuda>::absent("no cache entry");
  node.devices = Fact<std::vector<Device>>::unknown("probe switched off");
  const auto json = node_to_json(node);
  EXPECT_EQ(base::print_json(*json.find("driver")),
            "{\n  \"kernel_version\": \"535.104.05\",\n  \"cuda_version\": null,\n"
            "  \"libcuda\": {\n    \"absent\": \"no cache entry\"\n  },\n"
            "  \"libcuda_elsewhere\": {\n    \"unknown\": \"not looked at\"\n  },\n"
            "  \"libnvidia_ml\": {\n    \"unknown\": \"not looked at\"\n  }\n}");
  EXPECT_EQ(base::print_json(*json.find("devices")), "{\n  \"unknown\": \"probe switched off\"\n}");
}

}  // namespace
}  // namespace gpuinit::facts
