#include "policy/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string refusal(std::string_view name, const Value& value, const Problem& ranges = {}) {
  Policy policy = test::key_table().built_in();
  const auto before = test::fields(policy);
  auto done = set(*test::key_table().find(name), value, {ranges, {}}, policy);
  EXPECT_EQ(test::fields(policy) == before, !done.ok()) << "a refused value must change nothing";
  return done ? "" : done.error().message;
}

Value text(const char* value) { return {std::string(value)}; }

// A value of the key's kind that is not the built-in one.
Value other_value(const Key& key) {
  using List = base::JsonArray;
  const Value candidates[] = {
      true,
      false,
      7.25,
      List{130, 143},
      List{"busy", "no-device"},
      List{"bf16", "p2p"},
      List{"torchvision", "a.b"},
      List{"ptrace", "mount"},
      List{base::JsonObject{{"check", "user"}, {"about", "*"}, {"why", "known"}}},
      "off",
      "no",
      "supervise",
      "group",
      "ignore",
      "SIGTERM",
      "import",
      "docker-default",
      "512MiB",
      "/other",
      "warn"};
  const Policy& built_in = test::key_table().built_in();
  for (const Value& candidate : candidates) {
    Policy policy = built_in;
    if (set(key, candidate, {}, policy) &&
        toml_text(get(key, policy)) != toml_text(get(key, built_in)))
      return candidate;
  }
  ADD_FAILURE() << "no candidate for " << key.name;
  return nullptr;
}

TEST(KeyTable, EveryMemberOfPolicyHasARow) {
  KeyTable table = test::key_table();
  table.take_in("expect.packages.jax");
  Policy policy = table.built_in();
  for (const auto& key : table.keys())
    ASSERT_TRUE(set(key, other_value(key), {}, policy)) << key.name;

  const auto changed = test::fields(policy);
  const auto built_in = test::fields(test::key_table().built_in());
  const auto differs = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<bool>{(std::get<I>(changed) != std::get<I>(built_in))...};
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(changed)>>());
  for (std::size_t i = 0; i < differs.size(); ++i)
    EXPECT_TRUE(differs[i]) << "no key sets member " << i << " of Policy";
}

TEST(KeyTable, EveryRowHasAMemberOfItsOwn) {
  for (const auto& key : test::key_table().keys()) {
    Policy policy = test::key_table().built_in();
    ASSERT_TRUE(set(key, other_value(key), {}, policy));
    for (const auto& other : test::key_table().keys())
      EXPECT_EQ(
          toml_text(get(other, policy)) != toml_text(get(other, test::key_table().built_in())),
          other.name == key.name)
          << key.name << " changes " << other.name;
  }
}

TEST(KeyTable, EveryCheckHasAKeyWithItsBuiltInLevel) {
  const auto& table = test::key_table();
  EXPECT_EQ(table.built_in().checks.size(), checks::catalogue().size());
  for (const CheckInfo& check : checks::catalogue()) {
    const std::string id(check.id);
    const Key* key = table.find("checks." + id);
    ASSERT_NE(key, nullptr) << id;
    EXPECT_EQ(toml_text(get(*key, table.built_in())),
              check.level == Level::kWarn ? "\"warn\"" : "\"fail\"")
        << id;
    Policy policy = table.built_in();
    ASSERT_TRUE(set(*key, text("off"), {}, policy));
    EXPECT_EQ(policy.checks.at(id), Level::kOff);
  }
}

TEST(KeyTable, NamesAreUniqueAndNoKeyIsAlsoATable) {
  std::set<std::string> names;
  for (const auto& key : test::key_table().keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_FALSE(test::key_table().is_table(key.name)) << key.name;
    EXPECT_FALSE(key.meaning.empty()) << key.name;
  }
  EXPECT_TRUE(test::key_table().is_table("gpu"));
  EXPECT_TRUE(test::key_table().is_table("checks.python"));
  EXPECT_FALSE(test::key_table().is_table("gp"));
  EXPECT_FALSE(test::key_table().is_table(""));
}

TEST(KeyTable, BuiltInValuesAreTakenBack) {
  for (const auto& key : test::key_table().keys()) {
    Policy policy = test::key_table().built_in();
    EXPECT_TRUE(set(key, get(key, policy), {}, policy)) << key.name;
    EXPECT_EQ(test::fields(policy), test::fields(test::key_table().built_in())) << key.name;
  }
}

TEST(Suggestion, IsTheKeyThatWasMeant) {
  const std::pair<const char*, const char*> cases[] = {
      {"prob.timeout", "probe.timeout"},
      {"probe.timout", "probe.timeout"},
      {"Probe.Timeout", "probe.timeout"},
      {"grace", "launch.grace"},
      {"gpu.grace", "launch.grace"},
      {"checks.python.aib", "checks.python.abi"},
      {"python.abi", "checks.python.abi"},
      {"checks.libcuda", "checks.cuda.libcuda"},
      {"checks.torch.cuda_build", "checks.torch.cuda-build"},
      {"report.termination_log", "report.termination-log"},
      {"chekcs", "checks"},
  };
  for (const auto& [typed, meant] : cases)
    EXPECT_THAT(test::key_table().suggestion(typed),
                StartsWith("did you mean `" + std::string(meant) + "`?"))
        << typed;
  EXPECT_THAT(test::key_table().suggestion("checks.brand-new"), HasSubstr("a newer gpuinit"));
  EXPECT_THAT(test::key_table().suggestion("gpu.brand-new"), Not(HasSubstr("newer gpuinit")));
}

TEST(Suggestion, ListsWhatThereIsWhenNothingIsNear) {
  EXPECT_EQ(test::key_table().suggestion("gpu.colour"),
            "[gpu] has required, count, name, compute-capability, mig, same, memory, memory-total, "
            "features, driver");
  EXPECT_THAT(test::key_table().suggestion("banana.colour"),
              HasSubstr("tables accept, checks, python, image, torch, require, extensions, gpu,"));
  EXPECT_THAT(test::key_table().suggestion("timeout"), HasSubstr("tables"))
      << "three tables have one";
}

TEST(Suggestion, KnowsSignals) {
  EXPECT_EQ(test::key_table().suggestion("launch.signals.SIGTERN"),
            "did you mean `launch.signals.SIGTERM`?");
  EXPECT_EQ(test::key_table().keys_of("launch.signals"),
            "[launch.signals] has signals such as SIGTERM");
  EXPECT_THAT(test::key_table().keys_of("launch"), testing::EndsWith("postmortem-exit, signals"));
}

TEST(Values, SignalsAreForwardedRewrittenOrIgnored) {
  Policy policy;
  const Key& term = *test::key_table().find("launch.signals.SIGTERM");
  ASSERT_TRUE(set(term, text("SIGINT"), {}, policy));
  EXPECT_EQ(policy.launch.signals, (std::map<int, int>{{15, 2}}));
  ASSERT_TRUE(set(term, text("RTMIN+3"), {}, policy));
  EXPECT_EQ(policy.launch.signals.at(15), 37);
  ASSERT_TRUE(set(term, {std::int64_t{9}}, {}, policy)) << "numbers, as dumb-init takes them";
  EXPECT_EQ(toml_text(get(term, policy)), "\"SIGKILL\"");
  ASSERT_TRUE(set(term, text("ignore"), {}, policy));
  EXPECT_EQ(policy.launch.signals.at(15), 0);
  ASSERT_TRUE(set(term, text("forward"), {}, policy));
  EXPECT_TRUE(policy.launch.signals.empty());
  EXPECT_THAT(refusal("launch.signals.SIGTERM", text("SIGFOO")),
              StartsWith("expected a signal such as \"SIGINT\", \"ignore\" or \"forward\", found"));
  EXPECT_NE(refusal("launch.signals.SIGTERM", {std::int64_t{65}}), "");
  EXPECT_EQ(test::key_table().find("launch.signals.SIGKILL"), nullptr) << "it cannot be received";
  EXPECT_EQ(test::key_table().find("launch.signals.SIGSTOP"), nullptr);
  EXPECT_EQ(test::key_table().find("launch.signals.SIGCHLD"), nullptr);
}

TEST(Values, ExitCodesAreAListOrOne) {
  Policy policy;
  const Key& zero = *test::key_table().find("launch.exit-zero");
  ASSERT_TRUE(set(zero, {base::JsonArray{130, 143}}, {}, policy));
  EXPECT_EQ(policy.launch.exit_zero, (std::vector<int>{130, 143}));
  ASSERT_TRUE(set(zero, {std::int64_t{143}}, {}, policy));
  EXPECT_EQ(policy.launch.exit_zero, (std::vector<int>{143}));
  ASSERT_TRUE(set(zero, {base::JsonArray{}}, {}, policy));
  EXPECT_TRUE(policy.launch.exit_zero.empty());
  EXPECT_NE(refusal("launch.exit-zero", {base::JsonArray{256}}), "");
  EXPECT_NE(refusal("launch.exit-zero", {base::JsonArray{0}}), "");
  EXPECT_NE(refusal("launch.exit-zero", text("SIGTERM")), "");
}

TEST(Values, PatternsAreAListOrOne) {
  Policy policy;
  const Key& include = *test::key_table().find("extensions.include");
  ASSERT_TRUE(set(include, {base::JsonArray{"torchvision/*", "flash_attn_2_cuda*"}}, {}, policy));
  EXPECT_EQ(policy.extensions.include,
            (std::vector<std::string>{"torchvision/*", "flash_attn_2_cuda*"}));
  EXPECT_EQ(toml_text(get(include, policy)), "[\"torchvision/*\", \"flash_attn_2_cuda*\"]");
  ASSERT_TRUE(set(include, text("xformers/*"), {}, policy));
  EXPECT_EQ(policy.extensions.include, (std::vector<std::string>{"xformers/*"}));
  ASSERT_TRUE(set(include, {base::JsonArray{}}, {}, policy)) << "an empty array";
  EXPECT_TRUE(policy.extensions.include.empty());
  EXPECT_EQ(toml_text(get(include, policy)), "[]");
  EXPECT_EQ(
      refusal("extensions.include", {base::JsonArray{1}}),
      "expected a list of patterns below site-packages, such as [\"torchvision/*\"], found an "
      "array");
  EXPECT_NE(refusal("extensions.include", text("")), "");
  EXPECT_NE(refusal("extensions.include", {base::JsonArray{"a", ""}}), "");
  EXPECT_NE(refusal("extensions.include", {base::JsonArray{"/usr/lib/x.so"}}), "");
  EXPECT_NE(refusal("extensions.include", {true}), "");
}

TEST(Values, SecondsArePositiveAndAtMostADay) {
  Policy policy;
  const Key& timeout = *test::key_table().find("probe.timeout");
  const std::pair<Value, int> good[] = {{{std::int64_t{1}}, 1000},
                                        {{0.001}, 1},
                                        {{1.5}, 1500},
                                        {{86400.0}, 86'400'000},
                                        {{std::int64_t{86400}}, 86'400'000}};
  for (const auto& [value, count] : good) {
    ASSERT_TRUE(set(timeout, value, {}, policy)) << describe(value);
    EXPECT_EQ(policy.probe.timeout.count(), count);
    Policy again;
    ASSERT_TRUE(set(timeout, get(timeout, policy), {}, again));
    EXPECT_EQ(again.probe.timeout.count(), count);
  }
  const Value bad[] = {{std::int64_t{0}},
                       {std::int64_t{-1}},
                       {std::int64_t{86401}},
                       {0.0},
                       {0.0004},
                       {-1.0},
                       {86400.5},
                       {INFINITY},
                       {-INFINITY},
                       {NAN},
                       {INT64_MAX},
                       {INT64_MIN},
                       {true},
                       text("60"),
                       {base::JsonArray{true}}};
  for (const auto& value : bad)
    EXPECT_THAT(refusal("probe.timeout", value),
                StartsWith("expected a number of seconds from 0.001 to 86400, found "));
}

TEST(Values, RefusalsSayWhatWasExpectedAndFound) {
  EXPECT_EQ(refusal("gpu.required", {true}),
            "expected \"auto\", \"yes\" or \"no\", found the boolean true");
  EXPECT_EQ(refusal("gpu.required", text("maybe")),
            "expected \"auto\", \"yes\" or \"no\", found the string \"maybe\"");
  EXPECT_EQ(refusal("checks.python.abi", text("error")),
            "expected \"fail\", \"warn\" or \"off\", found the string \"error\"");
  EXPECT_EQ(refusal("torch.required", text("yes")),
            "expected true or false, found the string \"yes\"");
  EXPECT_THAT(refusal("expect.python", {3.1}),
              HasSubstr("found the number 3.1 (write it in quotes)"));
  EXPECT_THAT(refusal("gpu.count", {std::int64_t{8}}), HasSubstr("(write it in quotes)"));
}

TEST(Values, PathsAreAbsoluteAndProgramsMayBeNames) {
  for (const char* good : {"", "python3.12", "/opt/venv/bin/python", "/a b/\xc3\xa4"}) {
    Policy policy;
    EXPECT_TRUE(set(*test::key_table().find("python.interpreter"), text(good), {}, policy)) << good;
    EXPECT_EQ(policy.python.interpreter, good);
  }
  EXPECT_NE(refusal("python.interpreter", text("bin/python")), "");
  EXPECT_NE(refusal("python.interpreter", text("./python")), "");
  EXPECT_NE(refusal("report.termination-log", text("log.txt")), "");
  Policy policy;
  EXPECT_TRUE(set(*test::key_table().find("report.termination-log"), text(""), {}, policy));
  EXPECT_EQ(policy.report.termination_log, "");
}

TEST(Values, TextIsCleanUtf8ThatAPathCanHold) {
  const std::string bad[] = {std::string("/a\0b", 4),     "/a\nb", "/a\x1b[31m", "/a\xff", "/a\x7f",
                             "/" + std::string(5000, 'a')};
  for (const auto& value : bad) {
    EXPECT_THAT(refusal("python.interpreter", {value}), HasSubstr("control character"));
    EXPECT_THAT(refusal("report.termination-log", {value}), HasSubstr("control character"));
    EXPECT_THAT(refusal("expect.torch", {value}), HasSubstr("control character"));
  }
}

TEST(Values, RangesAreJudgedByTheOneWhoKnowsThem) {
  const Problem ranges = [](const std::string& range) {
    return range == "abc" ? "`abc` is no version" : "";
  };
  for (const char* name :
       {"gpu.count", "expect.python", "expect.torch", "expect.cuda", "expect.driver"}) {
    EXPECT_THAT(refusal(name, text("abc"), ranges), HasSubstr("(`abc` is no version)")) << name;
    Policy policy;
    EXPECT_TRUE(set(*test::key_table().find(name), text("3.10"), {ranges, {}}, policy)) << name;
  }
}

TEST(Values, AnEmptyRangeIsNoPinButNoCount) {
  const Problem never_empty = [](const std::string& range) { return range.empty() ? "empty" : ""; };
  Policy policy;
  EXPECT_TRUE(set(*test::key_table().find("expect.cuda"), text(""), {never_empty, {}}, policy));
  EXPECT_NE(refusal("gpu.count", text("")), "");
}

}  // namespace
}  // namespace gpuinit::policy
