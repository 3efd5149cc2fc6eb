// The files under policies/ and the page docs/policy.md say what the code does.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.h"
#include "policy/builtin_policies.h"
#include "policy/layers.h"
#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(GPUINIT_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

LoadedPolicy shipped(const std::string& name) {
  Layers layers = test::layers();
  const auto done = layers.add_file(name, read("policies/" + name));
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return layers.loaded();
}

// "probe.timeout" → `timeout = 60`, as it stands below [probe].
std::string toml_line(const Key& key) {
  return key.name.substr(key.name.find('.') + 1) + " = " +
         toml_text(get(key, test::key_table().built_in()));
}

TEST(ShippedPolicies, DefaultNamesEveryKeyWithItsBuiltInValue) {
  const auto loaded = shipped("default.toml");
  EXPECT_EQ(test::fields(loaded.policy), test::fields(test::key_table().built_in()));
  for (const auto& row : loaded.keys()) {
    const Key& key = *test::key_table().find(row.key);
    EXPECT_NE(row.origin, "built in")
        << "policies/default.toml lacks, below [" << key.name.substr(0, key.name.find('.'))
        << "]:\n# " << key.meaning << '\n'
        << toml_line(key);
    EXPECT_EQ(toml_text(row.value), toml_text(get(key, test::key_table().built_in())))
        << row.origin << " must be:\n"
        << toml_line(key);
  }
}

TEST(ShippedPolicies, DefaultSaysWhatEachCheckFinds) {
  const std::string file = read("policies/default.toml");
  std::string lines = "\n[checks]\n";
  for (const CheckInfo& check : checks::catalogue()) {
    std::string line(check.id);
    line.resize(std::max<std::size_t>(line.size(), 20), ' ');
    line += check.level == Level::kWarn ? " = \"warn\"   # " : " = \"fail\"   # ";
    line += std::string(check.title) + "\n";
    EXPECT_TRUE(file.find("\n" + line) != file.npos) << "policies/default.toml lacks:\n" << line;
    lines += line;
  }
  EXPECT_TRUE(file.find(lines + "\n") != file.npos) << "[checks] must be:" << lines;
}

TEST(ShippedPolicies, SuperviseStaysWithinDockersTenSeconds) {
  const Policy policy = shipped("supervise.toml").policy;
  EXPECT_EQ(policy.launch.mode, LaunchMode::kSupervise);
  EXPECT_LE(policy.launch.grace, std::chrono::seconds(8));
}

TEST(ShippedPolicies, StrictNeedsTorchAndAGpuAndFailsOnEverything) {
  const auto loaded = shipped("strict.toml");
  EXPECT_TRUE(loaded.policy.torch.required);
  EXPECT_EQ(loaded.policy.gpu.required, GpuRequired::kYes);
  EXPECT_TRUE(loaded.policy.warmup.context);
  EXPECT_EQ(loaded.policy.undecided, Undecided::kFail);
  EXPECT_TRUE(loaded.policy.extensions.all);
  for (const auto& [id, level] : loaded.policy.checks) EXPECT_EQ(level, Level::kFail) << id;
  for (const auto& row : loaded.keys()) {
    if (!row.key.starts_with("checks.") || row.key == "checks.undecided") continue;
    EXPECT_NE(row.origin, "built in")
        << "may be weaker in a layer below; policies/strict.toml lacks, below [checks]:\n"
        << row.key.substr(7) << " = \"fail\"";
  }
}

TEST(ShippedPolicies, PermissiveStopsNothingAndLooksAtEverything) {
  for (const auto& [id, level] : shipped("permissive.toml").policy.checks)
    EXPECT_EQ(level, Level::kWarn) << "policies/permissive.toml lacks, below [checks]:\n"
                                   << id << " = \"warn\"";
}

TEST(ShippedPolicies, BuildAsksForNothingThatADockerBuildLacks) {
  const Policy policy = shipped("build.toml").policy;
  EXPECT_TRUE(policy.torch.required);
  EXPECT_EQ(policy.gpu.required, GpuRequired::kNo);
  EXPECT_FALSE(policy.warmup.context);
  EXPECT_EQ(policy.undecided, Undecided::kFail);
  EXPECT_TRUE(policy.extensions.all);
  const std::set<std::string_view> of_the_image{
      "image.readable", "image.sealed",    "platform",        "python.interpreter",
      "libc.version",   "python.abi",      "torch.install",   "loader.missing",
      "loader.version", "loader.symbol",   "loader.shadowed", "torch.cuda-build",
      "extension.abi",  "python.packages", "python.import",   "probe.disagrees",
      "expect.python",  "expect.torch",    "expect.cuda",     "expect.packages"};
  for (const auto& [id, level] : policy.checks)
    EXPECT_EQ(level,
              of_the_image.contains(id) ? test::key_table().built_in().checks.at(id) : Level::kOff)
        << "if the check does not judge the image alone, policies/build.toml lacks:\n"
        << id << " = \"off\"";
}

// --policy builtin:NAME, with the lines of the file.
TEST(ShippedPolicies, EachIsInTheProgram) {
  std::set<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(GPUINIT_SOURCE_DIR) + "/policies")) {
    const std::string name = file.path().stem();
    names.insert(name);
    const auto text = builtin_policy(name);
    ASSERT_TRUE(text) << name;
    Layers layers = test::layers();
    ASSERT_TRUE(layers.add_file(name + ".toml", *text));
    const auto of_file = shipped(name + ".toml");
    EXPECT_EQ(test::fields(layers.loaded().policy), test::fields(of_file.policy)) << name;
    if (name != "default") {
      EXPECT_EQ(layers.loaded().origins, of_file.origins);
    }
  }
  const auto known = builtin_policy_names();
  EXPECT_EQ(std::set<std::string>(known.begin(), known.end()), names);
  EXPECT_FALSE(builtin_policy(""));
}

TEST(PolicyPage, DescribesEveryKeyAsTheTableDoes) {
  const std::string page = read("docs/policy.md");
  std::string rows = "| key | takes | built in | meaning |\n|---|---|---|---|\n";
  for (const Key& key : test::key_table().keys()) {
    // One row for all of them.
    if (key.name.starts_with("checks.") && key.name != "checks.undecided") continue;
    if (key.hidden_unless_set) continue;
    const std::string built_in = toml_text(get(key, test::key_table().built_in()));
    const std::string row = "| `" + key.name + "` | " + expectation(key) + " | `" + built_in +
                            "` | " + std::string(key.meaning) + " |\n";
    EXPECT_TRUE(page.find(row) != page.npos) << "docs/policy.md lacks:\n" << row;
    rows += row;
  }
  EXPECT_TRUE(page.find(rows + "\n") != page.npos) << "the table must be:\n" << rows;
}

// "`a`, `b` and `c`"
std::string enumeration(const std::vector<std::string>& ids) {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i)
    text += (i == 0 ? "`" : i + 1 == ids.size() ? " and `" : ", `") + ids[i] + '`';
  return text;
}

TEST(PolicyPage, NamesEveryCheck) {
  std::string page = read("docs/policy.md");
  std::replace(page.begin(), page.end(), '\n', ' ');
  std::vector<std::string> all;
  std::vector<std::string> warn;
  for (const CheckInfo& check : checks::catalogue()) {
    all.emplace_back(check.id);
    if (check.level == Level::kWarn) warn.emplace_back(check.id);
  }
  const std::string exceptions = "except " + enumeration(warn) + ", which are `\"warn\"`";
  EXPECT_TRUE(page.find(exceptions) != page.npos) << "docs/policy.md lacks:\n" << exceptions;
  const std::string ids = "The ids: " + enumeration(all) + ".";
  EXPECT_TRUE(page.find(ids) != page.npos) << "docs/policy.md lacks:\n" << ids;
}

// Every ```toml example of the page is a policy.
TEST(PolicyPage, ExamplesLoad) {
  const auto page = read("docs/policy.md");
  int examples = 0;
  std::size_t at = 0;
  while ((at = page.find("```toml\n", at)) != std::string::npos) {
    at += 8;
    const auto end = page.find("```", at);
    ASSERT_NE(end, std::string::npos);
    Layers layers = test::layers();
    const auto done = layers.add_file("example", page.substr(at, end - at));
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    at = end + 3;
    ++examples;
  }
  EXPECT_GE(examples, 2);
}

}  // namespace
}  // namespace gpuinit::policy
