#include "policy/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "gpuinit/check_ids.h"
#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(std::string_view name, const Value& value, const Problem& ranges = {}) {
  Policy policy = built_in_policy();
  const auto before = test::fields(policy);
  auto done = set(*find_key(name), value, {ranges, {}}, policy);
  EXPECT_EQ(test::fields(policy) == before, !done.ok()) << "a refused value must change nothing";
  return done ? "" : done.error().message;
}

Value text(const char* value) { return {std::string(value)}; }

// A value of the key's type that is not the built-in one.
Value other_value(const Key& key) {
  const Value now = get(key, built_in_policy());
  if (const auto* boolean = std::get_if<bool>(&now.data)) return {!*boolean};
  if (std::holds_alternative<std::int64_t>(now.data)) return {7.25};
  if (std::holds_alternative<CheckLevel>(key.field)) return text("off");
  if (std::holds_alternative<Access<GpuRequired>>(key.field)) return text("no");
  if (std::holds_alternative<Access<LaunchMode>>(key.field)) return text("supervise");
  if (std::holds_alternative<Access<SignalTarget>>(key.field)) return text("group");
  if (std::holds_alternative<SignalAction>(key.field)) return text("ignore");
  if (std::holds_alternative<SignalName>(key.field)) return text("SIGTERM");
  if (std::holds_alternative<ExitCodes>(key.field)) return {Value::Integers{130, 143}};
  if (std::holds_alternative<Access<PythonProbe>>(key.field)) return text("import");
  if (std::holds_alternative<Access<ProbeSandbox>>(key.field)) return text("best-effort");
  if (std::holds_alternative<Access<SeccompBase>>(key.field)) return text("docker-default");
  if (std::holds_alternative<WaitReasons>(key.field)) return {Value::Texts{"busy", "no-device"}};
  if (std::holds_alternative<Bytes>(key.field)) return text("512MiB");
  if (const auto* list = std::get_if<Texts>(&key.field)) {
    if (list->rule == ListRule::kGlobs) return {Value::Texts{"torchvision/*", "a"}};
    if (list->rule == ListRule::kModules) return {Value::Texts{"torchvision", "a.b"}};
    return {Value::Texts{"ptrace", "mount"}};
  }
  return text("/other");
}

TEST(Catalogue, EveryMemberOfPolicyHasARow) {
  Policy policy = built_in_policy();
  for (const auto& key : catalogue())
    ASSERT_TRUE(set(key, other_value(key), {}, policy)) << key.name;

  const auto changed = test::fields(policy);
  const auto built_in = test::fields(built_in_policy());
  const auto differs = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<bool>{(std::get<I>(changed) != std::get<I>(built_in))...};
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(changed)>>());
  for (std::size_t i = 0; i < differs.size(); ++i)
    EXPECT_TRUE(differs[i]) << "no row of the catalogue sets member " << i << " of Policy";
}

TEST(Catalogue, EveryRowHasAMemberOfItsOwn) {
  for (const auto& key : catalogue()) {
    Policy policy = built_in_policy();
    ASSERT_TRUE(set(key, other_value(key), {}, policy));
    for (const auto& other : catalogue())
      EXPECT_EQ(toml_text(get(other, policy)) != toml_text(get(other, built_in_policy())),
                other.name == key.name)
          << key.name << " changes " << other.name;
  }
}

TEST(Catalogue, EveryCheckHasALevelAndFailsUnlessItIsNamedAsOneThatWarns) {
  EXPECT_EQ(built_in_policy().checks.size(), kCheckIds.size());
  for (const auto id : kCheckIds) {
    const Key* key = find_key("checks." + std::string(id));
    ASSERT_NE(key, nullptr) << id;
    const bool warns =
        std::find(kChecksThatWarn.begin(), kChecksThatWarn.end(), id) != kChecksThatWarn.end();
    EXPECT_EQ(toml_text(get(*key, built_in_policy())), warns ? "\"warn\"" : "\"fail\"") << id;
    Policy policy = built_in_policy();
    ASSERT_TRUE(set(*key, text("off"), {}, policy));
    EXPECT_EQ(policy.checks.at(std::string(id)), Level::kOff);
  }
}

TEST(Catalogue, NamesAreUniqueAndNoKeyIsAlsoATable) {
  std::set<std::string> names;
  for (const auto& key : catalogue()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_FALSE(is_table(key.name)) << key.name;
    EXPECT_FALSE(key.meaning.empty()) << key.name;
  }
  EXPECT_TRUE(is_table("gpu"));
  EXPECT_TRUE(is_table("checks.python"));
  EXPECT_FALSE(is_table("gp"));
  EXPECT_FALSE(is_table(""));
}

TEST(Catalogue, BuiltInValuesAreTakenBack) {
  for (const auto& key : catalogue()) {
    Policy policy = built_in_policy();
    EXPECT_TRUE(set(key, get(key, policy), {}, policy)) << key.name;
    EXPECT_EQ(test::fields(policy), test::fields(built_in_policy())) << key.name;
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
      {"report.report.report.termination_log", "report.termination-log"},
      {"chekcs", "checks"},
  };
  for (const auto& [typed, meant] : cases)
    EXPECT_EQ(suggestion(typed), "did you mean `" + std::string(meant) + "`?") << typed;
}

TEST(Suggestion, ListsWhatThereIsWhenNothingIsNear) {
  EXPECT_EQ(suggestion("gpu.colour"), "[gpu] has required, count");
  EXPECT_THAT(suggestion("banana.colour"),
              HasSubstr("tables checks, python, torch, extensions, gpu,"));
  EXPECT_THAT(suggestion("required"), HasSubstr("tables")) << "gpu's or torch's? nobody knows";
  EXPECT_THAT(suggestion("timeout"), HasSubstr("tables")) << "three tables have one";
}

TEST(Suggestion, KnowsSignals) {
  EXPECT_EQ(suggestion("launch.signals.SIGTERN"), "did you mean `launch.signals.SIGTERM`?");
  EXPECT_EQ(keys_of("launch.signals"), "[launch.signals] has signals such as SIGTERM");
  EXPECT_THAT(keys_of("launch"), testing::EndsWith("postmortem-exit, signals"));
}

TEST(Values, SignalsAreForwardedRewrittenOrIgnored) {
  Policy policy;
  const Key& term = *find_key("launch.signals.SIGTERM");
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
  EXPECT_EQ(find_key("launch.signals.SIGKILL"), nullptr) << "nobody can receive it";
  EXPECT_EQ(find_key("launch.signals.SIGSTOP"), nullptr);
  EXPECT_EQ(find_key("launch.signals.SIGCHLD"), nullptr);
}

TEST(Values, ExitCodesAreAListOrOne) {
  Policy policy;
  const Key& zero = *find_key("launch.exit-zero");
  ASSERT_TRUE(set(zero, {Value::Integers{130, 143}}, {}, policy));
  EXPECT_EQ(policy.launch.exit_zero, (std::vector<int>{130, 143}));
  ASSERT_TRUE(set(zero, {std::int64_t{143}}, {}, policy));
  EXPECT_EQ(policy.launch.exit_zero, (std::vector<int>{143}));
  ASSERT_TRUE(set(zero, {Value::Integers{}}, {}, policy));
  EXPECT_TRUE(policy.launch.exit_zero.empty());
  EXPECT_NE(refusal("launch.exit-zero", {Value::Integers{256}}), "");
  EXPECT_NE(refusal("launch.exit-zero", {Value::Integers{0}}), "");
  EXPECT_NE(refusal("launch.exit-zero", text("SIGTERM")), "");
}

TEST(Values, PatternsAreAListOrOne) {
  Policy policy;
  const Key& include = *find_key("extensions.include");
  ASSERT_TRUE(set(include, {Value::Texts{"torchvision/*", "flash_attn_2_cuda*"}}, {}, policy));
  EXPECT_EQ(policy.extensions.include,
            (std::vector<std::string>{"torchvision/*", "flash_attn_2_cuda*"}));
  EXPECT_EQ(toml_text(get(include, policy)), "[\"torchvision/*\", \"flash_attn_2_cuda*\"]");
  ASSERT_TRUE(set(include, text("xformers/*"), {}, policy));
  EXPECT_EQ(policy.extensions.include, (std::vector<std::string>{"xformers/*"}));
  ASSERT_TRUE(set(include, {Value::Integers{}}, {}, policy)) << "an empty array";
  EXPECT_TRUE(policy.extensions.include.empty());
  EXPECT_EQ(toml_text(get(include, policy)), "[]");
  EXPECT_EQ(
      refusal("extensions.include", {Value::Integers{1}}),
      "expected a list of patterns below site-packages, such as [\"torchvision/*\"], found an "
      "array");
  EXPECT_NE(refusal("extensions.include", text("")), "");
  EXPECT_NE(refusal("extensions.include", {Value::Texts{"a", ""}}), "");
  EXPECT_NE(refusal("extensions.include", {Value::Texts{"/usr/lib/x.so"}}), "");
  EXPECT_NE(refusal("extensions.include", {true}), "");
}

TEST(Values, SecondsArePositiveAndAtMostADay) {
  Policy policy;
  const Key& timeout = *find_key("probe.timeout");
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
                       {Value::Other{"an array"}}};
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
    EXPECT_TRUE(set(*find_key("python.interpreter"), text(good), {}, policy)) << good;
    EXPECT_EQ(policy.python.interpreter, good);
  }
  EXPECT_NE(refusal("python.interpreter", text("bin/python")), "");
  EXPECT_NE(refusal("python.interpreter", text("./python")), "");
  EXPECT_NE(refusal("report.termination-log", text("log.txt")), "");
  Policy policy;
  EXPECT_TRUE(set(*find_key("report.termination-log"), text(""), {}, policy));
  EXPECT_EQ(policy.report.report.termination_log, "");
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
    EXPECT_TRUE(set(*find_key(name), text("3.10"), {ranges, {}}, policy)) << name;
  }
}

TEST(Values, AnEmptyRangeIsNoPinButNoCount) {
  const Problem never_empty = [](const std::string& range) { return range.empty() ? "empty" : ""; };
  Policy policy;
  EXPECT_TRUE(set(*find_key("expect.cuda"), text(""), {never_empty, {}}, policy));
  EXPECT_NE(refusal("gpu.count", text("")), "");
}

}  // namespace
}  // namespace gpuinit::policy
