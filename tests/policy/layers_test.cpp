#include "policy/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// The error of one policy file, "" if it is taken.
std::string file_error(std::string_view text) {
  Layers layers = test::layers();
  auto done = layers.add_file("p.toml", text);
  return done ? "" : done.error().message;
}

// The error of one --set, "" if it is taken.
std::string setting_error(std::string_view setting) {
  Layers layers = test::layers();
  auto done = layers.add_setting(setting, "--set");
  return done ? "" : done.error().message;
}

Policy with_setting(std::string_view setting) {
  Layers layers = test::layers();
  auto done = layers.add_setting(setting, "--set");
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return layers.loaded().policy;
}

TEST(PolicyFile, SetsWhatItNamesAndNothingElse) {
  Layers layers = test::layers();
  ASSERT_TRUE(layers.add_file("p.toml", R"(
version = 1
probe.timeout = 2.5
[checks]
"python.abi" = "warn"
cuda.driver = "off"
[gpu]
required = "yes"
count = ">=8"
)"));
  const Policy& policy = layers.loaded().policy;
  EXPECT_EQ(policy.probe.timeout.count(), 2500);
  EXPECT_EQ(policy.checks.at("python.abi"), Level::kWarn);
  EXPECT_EQ(policy.checks.at("cuda.driver"), Level::kOff);
  EXPECT_EQ(policy.checks.at("device.arch"), Level::kFail);
  EXPECT_EQ(policy.gpu.required, GpuRequired::kYes);
  EXPECT_EQ(policy.gpu.count, ">=8");
  EXPECT_FALSE(policy.torch.required);
}

TEST(PolicyFile, RemembersTheLineOfEachKey) {
  Layers layers = test::layers();
  ASSERT_TRUE(layers.add_file("/etc/p.toml", "version = 1\n[checks]\n\npython.abi = \"warn\"\n"));
  for (const auto& key : layers.loaded().keys()) {
    const bool named = key.key == "checks.python.abi";
    EXPECT_EQ(key.origin, named ? "/etc/p.toml:4" : "built in") << key.key;
  }
}

TEST(PolicyFile, ALaterFileWins) {
  Layers layers = test::layers();
  ASSERT_TRUE(layers.add_file("a", "version = 1\n[gpu]\nrequired = \"no\"\ncount = \"4\"\n"));
  ASSERT_TRUE(layers.add_file("b", "version = 1\ngpu.required = \"yes\"\n"));
  EXPECT_EQ(layers.loaded().policy.gpu.required, GpuRequired::kYes);
  EXPECT_EQ(layers.loaded().policy.gpu.count, "4");
}

TEST(PolicyFile, MustSayVersionOne) {
  const char* missing = "p.toml:1:1: `version = 1` is missing; it stands above the first [table]";
  EXPECT_EQ(file_error(""), missing);
  EXPECT_EQ(file_error("[gpu]\nversion = 1\n"), missing);
  EXPECT_EQ(file_error("version = 2\nnewer = 1\n"),
            "p.toml:1:11: `version`: expected 1, found the number 2");
  EXPECT_EQ(file_error("\nversion = \"1\""),
            "p.toml:2:11: `version`: expected 1, found the string \"1\"");
  EXPECT_EQ(file_error("version = 1.0"),
            "p.toml:1:11: `version`: expected 1, found the number 1.0");
  EXPECT_EQ(file_error("version = 1"), "");
}

TEST(PolicyFile, UnknownKeysAreRefusedWithTheNearest) {
  const std::pair<const char*, const char*> cases[] = {
      {"version = 1\n[probe]\ntimout = 3\n",
       "p.toml:3:1: unknown key `probe.timout`; did you mean `probe.timeout`?"},
      // The wrong name is the table's, so that is where it points.
      {"version = 1\n[prob]\ntimeout = 3\n",
       "p.toml:2:2: unknown key `prob.timeout`; did you mean `probe.timeout`?"},
      {"version = 1\n  prob.timeout = 3\n",
       "p.toml:2:3: unknown key `prob.timeout`; did you mean `probe.timeout`?"},
      {"version = 1\n[chekcs]\n", "p.toml:2:2: unknown key `chekcs`; did you mean `checks`?"},
      {"version = 1\n[checks]\npython.aib = \"off\"\n",
       "p.toml:3:8: unknown key `checks.python.aib`; did you mean `checks.python.abi`? "
       "(a newer gpuinit may have it)"},
      {"version = 1\n[gpu]\ncolour = 1\n",
       "p.toml:3:1: unknown key `gpu.colour`; [gpu] has required, count, name, compute-capability, "
       "mig, same, memory, memory-total, features, driver"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(file_error(text), error);
}

// What is not TOML and what is not a policy, each on a line, as they follow each other in the file.
TEST(PolicyFile, AllThatIsWrongIsNamedInOrder) {
  EXPECT_EQ(
      file_error(R"(version = 1
[gpu]
required = yes
cuont = "8"
memory = "much"
[launch
grace = "x"
mode: exec
)"),
      "p.toml:3:12: `yes` is text and needs quotes: \"yes\" (or is it true?), in `required = "
      "yes`\n"
      "p.toml:4:1: unknown key `gpu.cuont`; did you mean `gpu.count`?\n"
      "p.toml:5:10: `gpu.memory`: expected a number of bytes, a text such as \"40GiB\", or 0, "
      "found the string \"much\"\n"
      "p.toml:6:1: `[launch` has no closing `]`, in `[launch`\n"
      "p.toml:7:9: `launch.grace`: expected a number of seconds from 0.001 to 86400, found "
      "the string \"x\"\n"
      "p.toml:8:5: a `=` stands between a name and its value, not `:`, in `mode: exec`");
}

// What its keys mean is not known.
TEST(PolicyFile, OfAnotherVersionNothingElseIsTold) {
  EXPECT_EQ(file_error("version = 2\n[gpu]\nx = yes\n[new]\n"),
            "p.toml:1:11: `version`: expected 1, found the number 2");
  EXPECT_EQ(file_error("version: 1\n"),
            "p.toml:1:8: a `=` stands between a name and its value, not `:`, in `version: 1`");
}

TEST(PolicyFile, MaySayWhichGpuinitItNeeds) {
  const std::string ours = GPUINIT_VERSION;
  for (const std::string& met :
       {std::string(">=0.0.1"), "==" + ours, ours, std::string(">=0.0.1,<99"), std::string()})
    EXPECT_EQ(file_error("version = 1\nrequires = \"" + met + "\"\n[gpu]\ncount = \"1\"\n"), "")
        << met;
  EXPECT_EQ(
      file_error("version = 1\nrequires = \">=99.2, <100\"\n"),
      "p.toml:2:12: `requires`: this file needs gpuinit >=99.2, <100, and this is gpuinit " + ours);
  EXPECT_THAT(file_error("version = 1\nrequires = \"<" + ours + "\"\n"),
              HasSubstr("needs gpuinit <" + ours));
}

// It is the reason for what else is not understood.
TEST(PolicyFile, WhereItNeedsAnotherGpuinitNothingElseIsTold) {
  const std::string needs =
      "`requires`: this file needs gpuinit >=99, and this is gpuinit " GPUINIT_VERSION;
  EXPECT_EQ(file_error("version = 1\nrequires = \">=99\"\n[gpu]\nnewer-key = 1\n[newer]\n"),
            "p.toml:2:12: " + needs);
  EXPECT_EQ(file_error("version = 2\nrequires = \">=99\"\n"), "p.toml:2:12: " + needs);
  EXPECT_EQ(file_error("requires = \">=99\"\nx = yes\n"), "p.toml:1:12: " + needs);
  // One that is met hides nothing.
  EXPECT_THAT(file_error("version = 1\nrequires = \">=0.0.1\"\n[gpu]\nnewer-key = 1\n"),
              StartsWith("p.toml:4:1: unknown key `gpu.newer-key`"));
}

TEST(PolicyFile, WhichGpuinitItNeedsIsARangeAboveTheFirstTable) {
  EXPECT_EQ(
      file_error("version = 1\nrequires = 0.2\n"),
      "p.toml:2:12: `requires`: expected a version range as text, such as \">=0.2\", found the "
      "number 0.2");
  EXPECT_THAT(file_error("version = 1\nrequires = \"new\"\n"),
              StartsWith("p.toml:2:12: `requires`: \"new\" is not a version range"));
  EXPECT_EQ(file_error("version = 1\n[gpu]\nrequires = \">=0.2\"\n"),
            "p.toml:3:1: `requires` stands above the first [table]");
  // It is of a file, not of the policy that all files make.
  EXPECT_THAT(setting_error("requires=>=0.0.1"), HasSubstr("unknown key `requires`"));
}

TEST(PolicyFile, ValuesOfTheWrongTypeAreRefusedAtTheValue) {
  EXPECT_EQ(file_error("version = 1\n[probe]\ntimeout = \"60\"\n"),
            "p.toml:3:11: `probe.timeout`: expected a number of seconds from 0.001 to 86400, found "
            "the string \"60\"");
  EXPECT_EQ(file_error("version = 1\n[checks]\npython.abi = 'fatal'\n"),
            "p.toml:3:14: `checks.python.abi`: expected \"fail\", \"warn\" or \"off\", found the "
            "string \"fatal\"");
  EXPECT_EQ(file_error("version = 1\n[gpu]\nrequired = [\"yes\"]\n"),
            "p.toml:3:12: `gpu.required`: expected \"auto\", \"yes\" or \"no\", found an array");
  EXPECT_EQ(file_error("version = 1\n[gpu.required]\nx = 1\n"),
            "p.toml:2:6: `gpu.required`: expected \"auto\", \"yes\" or \"no\", found a table");
  EXPECT_EQ(file_error("version = 1\ngpu = \"yes\"\n"),
            "p.toml:2:1: `gpu`: expected a table, found the string \"yes\"; [gpu] has required, "
            "count, name, compute-capability, mig, same, memory, memory-total, features, driver");
  EXPECT_THAT(file_error("version = 1\n[[gpu]]\n"), HasSubstr("expected a table, found an array"));
}

constexpr char kAccept[] = R"(
version = 1
[[accept]]
check = "python.packages"
about = "torchaudio/torch"
why = "nothing imports it"
until = 2027-01-31
[[accept]]
check = "user"
about = "*"
why = "known"
)";

TEST(PolicyFile, AcceptsFindings) {
  Layers layers = test::layers();
  const auto done = layers.add_file("a", kAccept);
  ASSERT_TRUE(done) << done.error().message;
  const Accept first{"python.packages", "torchaudio/torch", "nothing imports it", "2027-01-31"};
  const Accept second{"user", "*", "known", ""};
  EXPECT_THAT(layers.loaded().policy.accept, testing::ElementsAre(first, second));
  // All layers together, none twice.
  ASSERT_TRUE(
      layers.add_setting("accept=[{check='user', about='*', why='known'}, "
                         "{check='threads', about='*', why='w', until='2026-12-24'}]",
                         "--set"));
  ASSERT_EQ(layers.loaded().policy.accept.size(), 3U);
  EXPECT_EQ(layers.loaded().policy.accept[2].until, "2026-12-24");
  ASSERT_TRUE(layers.add_setting("accept=[]", "--set"));
  EXPECT_THAT(layers.loaded().policy.accept, testing::IsEmpty());
}

TEST(PolicyFile, AnEntryThatAcceptsTooMuchIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"check = \"user\"\nabout = \"*\"\n", "check, about and why are all needed"},
      {"check = \"user\"\nwhy = \"w\"\n", "check, about and why are all needed"},
      {"check = \"usr\"\nabout = \"*\"\nwhy = \"w\"\n", "no check is called usr"},
      {"check = \"user\"\nabout = \"*\"\nwhy = \"w\"\nuntil = \"soon\"\n", "until: soon"},
      {"check = \"user\"\nabout = \"*\"\nwhy = \"w\"\nuntil = 2027-01-31T00:00:00\n",
       "until takes text"},
      {"check = \"user\"\nabout = [\"a\"]\nwhy = \"w\"\n", "about takes text"},
      {"check = \"user\"\nabout = \"*\"\nwhy = \"w\"\nhow = \"h\"\n", "has no key how"},
  };
  for (const auto& [entry, error] : cases)
    EXPECT_THAT(file_error(std::string("version = 1\n[[accept]]\n") + entry), HasSubstr(error));
  EXPECT_THAT(file_error("version = 1\n[accept]\ncheck = \"user\"\n"),
              HasSubstr("expected [[accept]] tables"));
}

TEST(PolicyFile, EmptyTablesAreFine) {
  EXPECT_EQ(file_error("version = 1\n[gpu]\n[checks]\n"), "");
}

TEST(PolicyFile, AKeySetTwiceIsRefused) {
  EXPECT_THAT(file_error("version = 1\n[gpu]\ncount = \"1\"\ncount = \"2\"\n"),
              StartsWith("p.toml:4:"));
  EXPECT_EQ(file_error("version = 1\n[checks]\npython.abi = \"warn\"\n\"python.abi\" = \"off\"\n"),
            "p.toml:4:1: `checks.python.abi` is set twice in this file");
}

TEST(PolicyFile, GpuDriverIsAnotherNameOfExpectDriver) {
  Layers layers = test::layers();
  ASSERT_TRUE(layers.add_file("p.toml", "version = 1\n[gpu]\ndriver = \">=535\"\n"));
  ASSERT_TRUE(layers.add_setting("gpu.driver=>=570", "--set"));
  EXPECT_EQ(layers.loaded().policy.expect.driver, ">=570");
  EXPECT_EQ(layers.loaded().origins.at("expect.driver"), "--set");
  EXPECT_EQ(layers.loaded().origins.size(), 1U);
  EXPECT_EQ(file_error("version = 1\n[gpu]\ndriver = \"1\"\n[expect]\ndriver = \"2\"\n"),
            "p.toml:5:1: `expect.driver` is set twice in this file");
  EXPECT_EQ(file_error("version = 1\n[expect]\ndriver = \"1\"\n[gpu]\ndriver = \"2\"\n"),
            "p.toml:5:1: `gpu.driver` is set twice in this file, here and as `expect.driver`");
}

TEST(PolicyFile, SyntaxErrorsShowTheLine) {
  const auto error = file_error("version = 1\n[gpu]\n  count = \"8\n");
  EXPECT_THAT(error, StartsWith("p.toml:3:11: "));
  EXPECT_THAT(error, HasSubstr("in `count = \"8`"));
}

TEST(PolicyFile, ErrorsAreSafeToPrint) {
  for (const char* text : {"version = 1\n\"a\\u001b[31m\" = 1\n", "version = 1\nx = \"\x1b[31m\n",
                           "version = 1\n[gpu]\nrequired = \"\\u001b[31m\\n\"\n", "\xff\x1b[2J"}) {
    const auto error = file_error(text);
    ASSERT_NE(error, "");
    for (const char c : error) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << error;
  }
}

TEST(Setting, TakesTomlValues) {
  EXPECT_EQ(with_setting("probe.timeout=3").probe.timeout.count(), 3000);
  EXPECT_EQ(with_setting(" probe.timeout = 0.5 ").probe.timeout.count(), 500);
  EXPECT_TRUE(with_setting("torch.required=true").torch.required);
  EXPECT_EQ(with_setting("gpu.count=\"4\"").gpu.count, "4");
  EXPECT_EQ(with_setting("gpu.count='4'").gpu.count, "4");
  EXPECT_EQ(with_setting("checks.\"python.abi\"=warn").checks.at("python.abi"), Level::kWarn);
}

TEST(Setting, TakesBareWordsAsText) {
  EXPECT_EQ(with_setting("gpu.required=no").gpu.required, GpuRequired::kNo);
  EXPECT_EQ(with_setting("checks.python.abi=warn").checks.at("python.abi"), Level::kWarn);
  EXPECT_EQ(with_setting("python.interpreter=/opt/v/bin/python").python.interpreter,
            "/opt/v/bin/python");
  EXPECT_EQ(with_setting("python.interpreter=/a#b").python.interpreter, "/a#b");
  EXPECT_EQ(with_setting("expect.python=>=3.10,<3.13").expect.python, ">=3.10,<3.13");
  EXPECT_EQ(with_setting("expect.torch=2.8.*").expect.torch, "2.8.*");
  EXPECT_EQ(with_setting("report.termination-log=").report.termination_log, "");
}

// TOML would read them as the numbers 3.1 and 8 and the boolean true.
TEST(Setting, WhatLooksLikeANumberStaysTextWhereTextIsWanted) {
  EXPECT_EQ(with_setting("expect.python=3.10").expect.python, "3.10");
  EXPECT_EQ(with_setting("gpu.count=8").gpu.count, "8");
  EXPECT_EQ(with_setting("python.interpreter=true").python.interpreter, "true");
}

TEST(Setting, RefusalsShowTheSetting) {
  const std::pair<const char*, const char*> cases[] = {
      {"prob.timeout=3",
       "--set 'prob.timeout=3': unknown key `prob.timeout`; did you mean `probe.timeout`?"},
      {"grace=3", "--set 'grace=3': unknown key `grace`; did you mean `launch.grace`?"},
      {"gpu=3",
       "--set 'gpu=3': `gpu` is a table; [gpu] has required, count, name, compute-capability, mig, "
       "same, memory, memory-total, features, driver"},
      {"probe.timeout=5s",
       "--set 'probe.timeout=5s': expected a number of seconds from 0.001 to 86400, found the "
       "string \"5s\""},
      {"probe.timeout=",
       "--set 'probe.timeout=': expected a number of seconds from 0.001 to 86400, found an empty "
       "string"},
      {"gpu.required=[1]",
       "--set 'gpu.required=[1]': expected \"auto\", \"yes\" or \"no\", found an array"},
      {"gpu.required", "--set 'gpu.required': expected KEY=VALUE, such as probe.timeout=30"},
      {"", "--set '': expected KEY=VALUE, such as probe.timeout=30"},
      {"=3", "--set '=3': expected KEY=VALUE, found no key before the '='"},
      {"# x=3", "--set '# x=3': expected KEY=VALUE, found no key before the '='"},
      {"[gpu]=3", "--set '[gpu]=3': expected KEY=VALUE, found no key before the '='"},
      {"a b=3", "--set 'a b=3': expected KEY=VALUE, found no key before the '='"},
  };
  for (const auto& [setting, error] : cases) EXPECT_EQ(setting_error(setting), error);
}

TEST(Setting, ABrokenQuoteIsNotABareWord) {
  EXPECT_EQ(setting_error("gpu.count=\"4"),
            "--set 'gpu.count=\"4': the text that begins here has no closing quotation mark");
  EXPECT_NE(setting_error("python.interpreter='/a"), "");
  EXPECT_NE(setting_error("python.interpreter=[\"/a\"]"), "");
}

TEST(Setting, CannotSmuggleInASecondKey) {
  EXPECT_THAT(setting_error("gpu.required=\"no\"\ntorch.required=true"),
              HasSubstr("control character"));
  EXPECT_THAT(setting_error(std::string_view("gpu.count=4\0", 12)), HasSubstr("control character"));
  EXPECT_NE(setting_error("probe.timeout={a=1}"), "");
  EXPECT_NE(setting_error("python.interpreter=\xff"), "");
}

TEST(Setting, ASeparatorThatIsNotOneIsTold) {
  const std::string two =
      "gpu.count=4,gpu.required=no': expected a range as text, such as \">=1\" or \"4\", found the "
      "string \"4,gpu.required=no\" (one too many); does `gpu.required` begin another setting? ";
  Layers layers = test::layers(
      {.version_range = [](const std::string&) { return "one too many"; }, .system_call = {}});
  EXPECT_EQ(layers.add_setting("gpu.count=4,gpu.required=no", "--set").error().message,
            "--set '" + two + "Each has a --set of its own");
  EXPECT_EQ(layers.add_setting("gpu.count=4,gpu.required=no", "GPUINIT_SET").error().message,
            "GPUINIT_SET '" + two + "A `;` separates settings");
  EXPECT_THAT(setting_error("torch.required=true; gpu.count=4"), HasSubstr("`gpu.count` begin"));
  EXPECT_THAT(setting_error("torch.required=true\ngpu.count=4"), HasSubstr("`gpu.count` begin"));
  EXPECT_THAT(setting_error("torch.required=a=b c=d"), testing::Not(HasSubstr("begin")));
}

TEST(Setting, ASignalHasAllItsNames) {
  for (const char* name : {"15", "TERM", "SIGTERM"}) {
    Layers layers = test::layers();
    const std::string key = std::string("launch.signals.") + name;
    ASSERT_TRUE(layers.add_setting(key + "=2", "--set"));
    EXPECT_THAT(layers.loaded().policy.launch.signals, ElementsAre(testing::Pair(15, 2)));
    EXPECT_TRUE(layers.loaded().origins.contains("launch.signals.SIGTERM"));
    ASSERT_TRUE(layers.add_file("f", "version = 1\n" + key + " = \"ignore\"\n"));
    EXPECT_THAT(layers.loaded().policy.launch.signals, ElementsAre(testing::Pair(15, 0)));
  }
  EXPECT_EQ(file_error("version = 1\n[launch.signals]\n15 = 2\nSIGTERM = 1\n"),
            "p.toml:4:1: `launch.signals.SIGTERM` is set twice in this file");
  EXPECT_THAT(setting_error("launch.signals.9=15"),
              HasSubstr("nothing can be sent in place of SIGKILL, SIGSTOP and SIGCHLD"));
}

TEST(Setting, LongAndDeepOnesAreRefused) {
  EXPECT_NE(setting_error("python.interpreter=/" + std::string(100'000, 'a')), "");
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) deep += ".a";
  EXPECT_NE(setting_error(deep + "=1"), "");
  EXPECT_NE(setting_error("probe.timeout=" + std::string(100'000, '[')), "");
}

TEST(Settings, AreSeparatedBySemicolons) {
  EXPECT_THAT(split_settings("a=1;b=2"), ElementsAre("a=1", "b=2"));
  EXPECT_THAT(split_settings(" a=1 ;\n; b=2;"), ElementsAre("a=1", "b=2"));
  EXPECT_THAT(split_settings(""), IsEmpty());
  EXPECT_THAT(split_settings(" ; ;"), IsEmpty());
  EXPECT_THAT(split_settings("a;b=1"), ElementsAre("a", "b=1"));
}

TEST(Settings, ASemicolonInsideQuotesDoesNotSeparate) {
  EXPECT_THAT(split_settings("a=\"x;y\";b=1"), ElementsAre("a=\"x;y\"", "b=1"));
  EXPECT_THAT(split_settings("a = 'x;y' ;b=1"), ElementsAre("a = 'x;y'", "b=1"));
  EXPECT_THAT(split_settings(R"(a="x\";y";b=1)"), ElementsAre(R"(a="x\";y")", "b=1"));
  EXPECT_THAT(split_settings(R"(a='x\';b=1)"), ElementsAre(R"(a='x\')", "b=1"));
  EXPECT_THAT(split_settings("a=\"x;y"), ElementsAre("a=\"x;y"));
}

TEST(Settings, AQuoteInsideABareWordIsJustACharacter) {
  EXPECT_THAT(split_settings("a=it's;b=1"), ElementsAre("a=it's", "b=1"));
}

TEST(Layers, NamesOfSystemCallsAreJudgedByWhoKnowsThem) {
  Layers layers = test::layers({.version_range = {}, .system_call = [](const std::string& name) {
                                  return name == "mount" ? "" : "there is no `" + name + "`";
                                }});
  const auto done = layers.add_file("f", "version = 1\n[seccomp]\ndeny = [\"mount\", \"mout\"]\n");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, testing::StartsWith("f:3:8: `seccomp.deny`: expected"));
  EXPECT_THAT(done.error().message, testing::HasSubstr("(there is no `mout`)"));
  EXPECT_TRUE(layers.loaded().policy.seccomp.deny.empty());
  EXPECT_TRUE(layers.add_setting("seccomp.deny=mount", "--set"));
}

}  // namespace
}  // namespace gpuinit::policy
