// A locked policy: what may and what may not be changed above it, key by key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "policy_fields.h"
#include "sources_in.h"
#include "support/tree.h"

namespace gpuinit::policy {
namespace {

using test::Tree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A value as TOML, one that asks for more, and one that asks for less. Of a key without order
// `now` and another value.
struct Direction {
  const char* now;
  const char* stricter;
  const char* weaker;
};
constexpr const char* kNone = nullptr;

const std::map<std::string, Direction> kDirections{
    {"accept",
     {"[{check = \"user\", about = \"*\", why = \"w\"}]", "[]",
      "[{check = \"user\", about = \"a\", why = \"w\"}]"}},
    {"checks.*", {"\"warn\"", "\"fail\"", "\"off\""}},
    {"checks.undecided", {"\"warn\"", "\"fail\"", "\"ok\""}},
    {"python.interpreter", {"\"python3\"", kNone, "\"python3.12\""}},
    {"python.probe", {"\"environment\"", "\"import\"", "\"off\""}},
    {"python.imports", {"[\"a\", \"b\"]", "[\"b\", \"c\", \"a\"]", "[\"a\", \"c\"]"}},
    {"image.seal", {"\"/a\"", "\"\"", "\"/b\""}},
    {"torch.required", {"true", "true", "false"}},
    {"require.frameworks", {"[\"jax\"]", "[\"jax\", \"cupy\"]", "[\"cupy\"]"}},
    {"extensions.include", {"[\"a*\"]", "[\"a*\", \"b*\"]", "[]"}},
    {"extensions.exclude", {"[\"a*\"]", "[]", "[\"a*\", \"b*\"]"}},
    {"extensions.all", {"true", "true", "false"}},
    {"gpu.required", {"\"auto\"", "\"yes\"", "\"no\""}},
    {"gpu.count", {"\">=1,<=4\"", "\"4\"", "\">=1\""}},
    {"gpu.name", {"[\"H100\", \"H200\"]", "[\"H200\"]", "[\"H100\", \"A100\"]"}},
    {"gpu.compute-capability", {"\">=8.0\"", "\"9.0\"", "\">=7.5\""}},
    {"gpu.mig", {"\"no\"", "\"no\"", "\"yes\""}},
    {"gpu.same", {"true", "true", "false"}},
    {"gpu.memory-total", {"\"40GiB\"", "\"41GiB\"", "0"}},
    {"gpu.memory", {"\"40GiB\"", "\"41GiB\"", "0"}},
    {"gpu.features", {"[\"bf16\"]", "[\"fp8\", \"bf16\"]", "[\"fp8\"]"}},
    {"expect.python", {"\"3.12\"", "\"3.12.4\"", "\"3\""}},
    {"expect.torch", {"\">=2.7,<2.9\"", "\"2.8.*\"", "\"\""}},
    {"expect.cuda", {"\"12.8\"", "\"==12.8.1\"", "\">=12.8\""}},
    {"expect.driver", {"\">=570.26\"", "\">=580\"", "\">=535\""}},
    {"expect.packages.jax", {"\"~=0.8.1\"", "\">=0.8.2,<0.8.9\"", "\"~=0.8\""}},
    {"probe.timeout", {"60", "30", "90"}},
    {"probe.sandbox", {"\"best-effort\"", "\"required\"", "\"off\""}},
    {"warmup.context", {"true", "true", "false"}},
    {"warmup.timeout", {"30", "0.5", "31"}},
    {"warmup.hold", {"60", kNone, "0"}},
    {"warmup.pages", {"\"auto\"", kNone, "\"off\""}},
    {"warmup.max-bytes", {"\"1GiB\"", kNone, "\"2GiB\""}},
    {"wait.for", {"[\"busy\"]", kNone, "[]"}},
    {"wait.timeout", {"300", kNone, "1"}},
    {"seccomp.base", {"\"docker-default\"", "\"docker-default\"", "\"none\""}},
    {"seccomp.profile", {"\"/a\"", "\"/a\"", "\"\""}},
    {"seccomp.allow", {"[\"ptrace\"]", "[]", "[\"ptrace\", \"mount\"]"}},
    {"seccomp.deny", {"[\"ptrace\"]", "[\"ptrace\", \"mount\"]", "[\"mount\"]"}},
    {"seccomp.log", {"true", "true", "false"}},
    {"report.termination-log", {"\"/a\"", kNone, "\"\""}},
    {"launch.mode", {"\"supervise\"", kNone, "\"exec\""}},
    {"launch.follow", {"\"auto\"", "\"auto\"", "\"off\""}},
    {"launch.follow-timeout", {"600", "700", "1"}},
    {"launch.signal-target", {"\"group\"", kNone, "\"process\""}},
    {"launch.grace", {"8", kNone, "9"}},
    {"launch.parent-death-signal", {"\"SIGTERM\"", kNone, "\"\""}},
    {"launch.exit-zero", {"[143]", "[]", "[143, 1]"}},
    {"launch.postmortem", {"true", "true", "false"}},
    {"launch.postmortem-exit", {"true", "true", "false"}},
    {"launch.signals.*", {"\"SIGINT\"", kNone, "\"ignore\""}},
};

const Direction* direction_of(const std::string& key) {
  if (const auto found = kDirections.find(key); found != kDirections.end()) return &found->second;
  for (const auto& [name, direction] : kDirections)
    if (name == key || (name.ends_with('*') && key.starts_with(name.substr(0, name.size() - 1))))
      return &direction;
  return nullptr;
}

std::string assignment(const std::string& key, const char* value) {
  const auto last = key.rfind('.') + 1;
  const bool quoted = key.find('+') != std::string::npos;
  return (quoted ? key.substr(0, last) + '"' + key.substr(last) + '"' : key) + " = " + value + "\n";
}

// Over a locked file that gives the key the value `now`.
Layers locked_at(const std::string& key, const char* now) {
  Layers layers = test::layers();
  const auto done = layers.add_file("baked", "version = 1\nlocked = true\n" + assignment(key, now),
                                    Layers::Lock::kMayLock);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return layers;
}

std::vector<std::string> every_key() {
  std::vector<std::string> names{"expect.packages.jax"};
  for (const Key& key : test::key_table().keys()) names.push_back(key.name);
  return names;
}

TEST(Lock, EveryKeyHasADirection) {
  std::set<const Direction*> used;
  for (const std::string& name : every_key()) {
    const Direction* direction = direction_of(name);
    ASSERT_NE(direction, nullptr) << name << ": which of its values asks for more?";
    used.insert(direction);
    const Key* key = test::key_table().find(name);
    EXPECT_TRUE(key == nullptr || has_order(*key) == (direction->stricter != kNone)) << name;
  }
  EXPECT_EQ(used.size(), kDirections.size()) << "the table has a key that no policy has";
}

// docs/security.md has every key in one row, those without order in the last.
TEST(Lock, ThePageHasEveryKeyInOneRow) {
  std::ifstream file(GPUINIT_SOURCE_DIR "/docs/security.md");
  std::map<std::string, std::string> row_of;
  for (std::string line; std::getline(file, line);) {
    const auto cell = line.find(" | ");
    if (!line.starts_with("| ") || cell == std::string::npos) continue;
    for (const auto& [name, direction] : kDirections) {
      const std::string shown = name == "expect.packages.jax" ? "expect.packages.*" : name;
      if (line.find('`' + shown + '`', cell) == std::string::npos) continue;
      EXPECT_TRUE(row_of.emplace(name, line.substr(2, cell - 2)).second) << name << " twice";
    }
  }
  for (const auto& [name, direction] : kDirections) {
    ASSERT_TRUE(row_of.contains(name)) << "docs/security.md has no row with " << name;
    EXPECT_EQ(row_of[name].starts_with("no order"), direction.stricter == kNone) << name;
  }
}

TEST(Lock, TakesWhatAsksForMoreAndRefusesWhatAsksForLess) {
  for (const std::string& key : every_key()) {
    const Direction& direction = *direction_of(key);
    Layers weaker = locked_at(key, direction.now);
    const Policy before = weaker.loaded().policy;
    ASSERT_TRUE(weaker.add_file("above", "version = 1\n" + assignment(key, direction.weaker)));
    EXPECT_EQ(test::fields(weaker.loaded().policy), test::fields(before)) << key;
    EXPECT_EQ(weaker.loaded().refused.size(), 1U) << key;
    EXPECT_EQ(weaker.loaded().origins.at(key), "baked:3");
    if (direction.stricter == kNone) continue;

    Layers stricter = locked_at(key, direction.now);
    ASSERT_TRUE(stricter.add_file("above", "version = 1\n" + assignment(key, direction.stricter)));
    EXPECT_THAT(stricter.loaded().refused, IsEmpty()) << key;
    EXPECT_EQ(stricter.loaded().origins.at(key), "above:2");
    Layers alone = test::layers();
    ASSERT_TRUE(alone.add_file("alone", "version = 1\n" + assignment(key, direction.stricter)));
    EXPECT_EQ(test::fields(stricter.loaded().policy), test::fields(alone.loaded().policy)) << key;
  }
}

// A check that is off makes what the file expects worth nothing.
TEST(Lock, WhatTheFileDoesNotNameCannotBeWeakenedEither) {
  for (const char* setting : {"checks.expect.driver=off", "gpu.required=no", "gpu.count=>=0",
                              "image.seal=/tmp/mine", "seccomp.allow=mount"}) {
    Layers layers = locked_at("expect.driver", "\">=570\"");
    ASSERT_TRUE(layers.add_setting(setting, "--set"));
    EXPECT_EQ(layers.loaded().refused.size(), 1U) << setting;
  }
  for (const char* setting : {"gpu.count=8", "launch.grace=28", "launch.signals.SIGHUP=ignore",
                              "warmup.pages=off", "checks.limits.shm=fail", "gpu.required=yes"}) {
    Layers layers = locked_at("expect.driver", "\">=570\"");
    ASSERT_TRUE(layers.add_setting(setting, "--set"));
    EXPECT_THAT(layers.loaded().refused, IsEmpty()) << setting;
  }
}

TEST(Lock, WhatIsNoPolicyIsStillAnError) {
  Layers layers = locked_at("gpu.count", "\"8\"");
  EXPECT_FALSE(layers.add_setting("gpu.cuont=1", "--set"));
  EXPECT_FALSE(layers.add_setting("gpu.memory=much", "--set"));
}

constexpr char kLocked[] = "version = 1\nlocked = true\n[gpu]\ncount = \"8\"\n";

TEST(Lock, NoLayerGoesBelowIt) {
  Tree tree;
  tree.file("policy.toml", kLocked);
  tree.file("policy.d/10.toml", "version = 1\n[torch]\nrequired = true\n[gpu]\ncount = \"2\"\n");
  tree.file("named.toml", "version = 1\n[gpu]\ncount = \"1\"\n[launch]\ngrace = 28\n");
  PolicySources sources = sources_in(tree);
  sources.files = {tree.at("named.toml")};
  sources.files_named_by = "GPUINIT_POLICY";
  sources.environment_set = "torch.required=false; checks.device.present=warn";
  sources.set_options = {"gpu.count=>=8,<9"};
  sources.off = true;
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->checks_are_off);
  EXPECT_EQ(loaded->locked_by, tree.at("policy.toml").string());
  EXPECT_EQ(loaded->policy.gpu.count, ">=8,<9");
  EXPECT_TRUE(loaded->policy.torch.required) << "of a layer between: it is not weakened either";
  EXPECT_EQ(loaded->policy.launch.grace, std::chrono::seconds(28)) << "no order, and not named";
  EXPECT_THAT(loaded->refused,
              ElementsAre("GPUINIT=off",
                          "gpu.count = \"2\" (" + tree.at("policy.d/10.toml:5").string() + ")",
                          "gpu.count = \"1\" (" + tree.at("named.toml:3").string() + ")",
                          "torch.required = false (GPUINIT_SET)",
                          "checks.device.present = \"warn\" (GPUINIT_SET)"));
  EXPECT_THAT(refusal(*loaded), HasSubstr("torch.required = false (GPUINIT_SET), checks."));
  EXPECT_THAT(print_policy(*loaded), HasSubstr("# locked by " + tree.at("policy.toml").string()));
  EXPECT_THAT(print_policy(*loaded), HasSubstr("# refused: GPUINIT=off\n"));
}

TEST(Lock, HoldsOnlyWhereItSaysTrue) {
  Tree tree;
  tree.file("policy.toml", "version = 1\nlocked = false # locked = true\n[gpu]\ncount = \"8\"\n");
  PolicySources sources = sources_in(tree);
  sources.environment_set = "gpu.count=1";
  sources.off = true;
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->checks_are_off);
  EXPECT_EQ(loaded->policy.gpu.count, "1");
  EXPECT_EQ(refusal(*loaded), "");
}

TEST(Lock, IsAnErrorWhereItWouldLockNothing) {
  Tree tree;
  tree.file("named.toml", kLocked).file("policy.d/10.toml", kLocked);
  PolicySources sources = sources_in(tree);
  EXPECT_THAT(load_policy(sources).error().message, HasSubstr("10.toml:2:1: `locked`: only"));
  sources.files = {tree.at("named.toml")};
  EXPECT_THAT(load_policy(sources).error().message, HasSubstr("named.toml:2:1: `locked`: only"));
  EXPECT_FALSE(test::layers().add_setting("locked=true", "--set"));
  tree.file("policy.toml", "version = 1\nlocked = \"yes\"\n");
  sources.files.clear();
  EXPECT_THAT(load_policy(sources).error().message, HasSubstr("expected true or false, found"));
}

TEST(Lock, HoldsWhereTheFileIsAlsoTheOneThatIsNamed) {
  Tree tree;
  tree.file("policy.toml", kLocked);
  PolicySources sources = sources_in(tree);
  sources.files = {sources.default_file};
  sources.environment_set = "gpu.count=1";
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->policy.gpu.count, "8");
}

// Even one with a mistake in it: GPUINIT=off must not be the way around a typing error.
TEST(Lock, AMistakeDoesNotOpenIt) {
  Tree tree;
  tree.file("policy.toml", "version = 1\nlocked = true\n[gpu]\ncuont = \"8\"\n");
  PolicySources sources = sources_in(tree);
  sources.off = true;
  EXPECT_THAT(load_policy(sources).error().message, HasSubstr("unknown key `gpu.cuont`"));
  tree.file("policy.toml", "version = 1\nlocked = true\n[gpu]\ncount: \"8\"\n");
  EXPECT_THAT(load_policy(sources).error().message, HasSubstr("not `:`"));
}

TEST(Lock, ManyRefusalsAreCounted) {
  Tree tree;
  tree.file("policy.toml", kLocked);
  PolicySources sources = sources_in(tree);
  for (const CheckInfo& check : checks::catalogue())
    sources.set_options.push_back("checks." + std::string(check.id) + "=off");
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded);
  EXPECT_THAT(refusal(*loaded),
              HasSubstr(" and " + std::to_string(checks::catalogue().size() - 10) + " more"));
}

// GPUINIT=off: what is wrong is left out, and everything else holds.
struct Wrong {
  const char* where;
  const char* named;            // GPUINIT_POLICY
  const char* environment_set;  // GPUINIT_SET
  const char* set;              // --set
  const char* broken_file;      // below policy.d
};
constexpr Wrong kWrong[] = {
    {"GPUINIT_SET", "", "x", "", ""},
    {"GPUINIT_SET", "", "gpu.cuont=1; x", "", ""},
    {"--set", "", "", "gpu.count=many", ""},
    {"/no/file", "/no/file", "", "", ""},
    {"20.toml", "", "", "", "version = 1\n[seccomp]\ndeny = [\"mount\"]\n[gpu]\ncuont = 1\n"},
    {"20.toml", "", "", "", "not TOML"},
};

TEST(Off, LeavesOutWhatIsWrongAndNothingElse) {
  for (const Wrong& wrong : kWrong) {
    Tree tree;
    tree.file("policy.toml", "version = 1\n[seccomp]\ndeny = [\"ptrace\"]\n");
    tree.file("policy.d/10.toml", "version = 1\n[launch]\ngrace = 3\n");
    if (*wrong.broken_file != 0) tree.file("policy.d/20.toml", wrong.broken_file);
    PolicySources sources = sources_in(tree);
    sources.problems.version_range = [](const std::string& range) {
      return range == "many" ? "no range" : "";
    };
    if (*wrong.named != 0) sources.files = {wrong.named};
    sources.environment_set = std::string(wrong.environment_set) + "; launch.mode=supervise";
    sources.set_options = {"launch.exit-zero=143"};
    if (*wrong.set != 0) sources.set_options.emplace_back(wrong.set);
    EXPECT_FALSE(load_policy(sources)) << wrong.where;
    sources.off = true;
    const auto loaded = load_policy(sources);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_TRUE(loaded->checks_are_off);
    EXPECT_THAT(loaded->left_out, testing::Contains(HasSubstr(wrong.where)));
    EXPECT_THAT(loaded->policy.seccomp.deny, ElementsAre("ptrace")) << wrong.where;
    EXPECT_EQ(loaded->policy.launch.grace, std::chrono::seconds(3)) << wrong.where;
    EXPECT_EQ(loaded->policy.launch.mode, LaunchMode::kSupervise) << wrong.where;
    EXPECT_THAT(loaded->policy.launch.exit_zero, ElementsAre(143)) << wrong.where;
  }
}

// Of several that were named those that hold do; where not one does, the default files do.
TEST(Off, OneNamedFileThatHoldsIsEnough) {
  Tree tree;
  tree.file("policy.toml", "version = 1\n[launch]\ngrace = 3\n");
  tree.file("own.toml", "version = 1\n[gpu]\ncount = \"2\"\n");
  PolicySources sources = sources_in(tree);
  sources.off = true;
  sources.files = {"/no/file", tree.at("own.toml")};
  EXPECT_EQ(load_policy(sources)->policy.launch.grace, std::chrono::seconds(8));
  EXPECT_EQ(load_policy(sources)->policy.gpu.count, "2");
  sources.files = {"/no/file", "builtin:none"};
  EXPECT_EQ(load_policy(sources)->policy.launch.grace, std::chrono::seconds(3));
  EXPECT_EQ(load_policy(sources)->left_out.size(), 2U);
}

TEST(Off, AWrongFileLeavesNothingOfItself) {
  Tree tree;
  tree.file("policy.toml", "version = 1\n[launch]\ngrace = 3\n[gpu]\ncuont = 1\n");
  PolicySources sources = sources_in(tree);
  sources.off = true;
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->policy.launch.grace, std::chrono::seconds(8));
  EXPECT_EQ(loaded->left_out.size(), 1U);
}

}  // namespace
}  // namespace gpuinit::policy
