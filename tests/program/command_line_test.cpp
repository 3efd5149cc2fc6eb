// The command line is a contract: scripts rely on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "checks/run_checks.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;

TEST(CommandLine, HelpFitsAScreen) {
  const Ran ran = gpuinit({"--help"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.err, "");
  const auto lines = base::split_lines(ran.out);
  EXPECT_LE(lines.size(), 27U);
  for (const auto line : lines) EXPECT_LE(line.size(), 80U) << line;
}

TEST(CommandLine, VersionIsAloneOnTheFirstLine) {
  const Ran ran = gpuinit({"--version"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, testing::MatchesRegex("gpuinit [0-9.]+\nmachine [a-z0-9_]+\n"
                                             "commit [0-9A-Za-z._+-]+\n"
                                             "libseccomp 2[.][0-9]+[.][0-9]+\n"
                                             "driver_table 20[0-9-]+\nnewest_cuda [0-9.]+\n"));
  EXPECT_THAT(ran.out, testing::StartsWith("gpuinit " GPUINIT_VERSION "\n"));
}

TEST(CommandLine, NoCommandAtAllIsAUsageError) {
  const Ran ran = gpuinit({});
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, HasSubstr("no COMMAND given"));
  EXPECT_THAT(ran.err, HasSubstr("gpuinit --help"));
}

TEST(CommandLine, AnUnknownOptionNamesTheNearestOne) {
  const Ran ran = gpuinit({"--polcy", "x", "true"});
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, HasSubstr("unknown option --polcy; did you mean --policy?"));
}

TEST(CommandLine, UsageErrors) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--policy"},
      {"--set", "nonsense", "true"},
      {"--format", "yaml", "--check"},
      {"--check=yes"},
      {"--check", "--facts"},
      {"--quiet", "--verbose", "true"},
      {"--root", "/tmp", "true"},
      {"--node", "x", "true"},
      {"--explain", "python.api"},
      {"--explain", "python.abi", "more"},
      {"--check", "--root", "/no/such/directory"},
      {"--check", "--node", "/no/such/file"},
      {"--chec"},
      {"--changed", "true"},
      {"--policy", "", "true"},
      {"--explain", "3"},
      {"--explain", "gpu.cuont"},
  };
  for (const auto& arguments : wrong) {
    const Ran ran = gpuinit(arguments);
    EXPECT_EQ(ran.exit_code, 64) << testing::PrintToString(arguments);
    EXPECT_THAT(ran.err, StartsWith("gpuinit: ")) << testing::PrintToString(arguments);
    EXPECT_EQ(ran.out, "");
  }
}

TEST(CommandLine, OptionsEndAtTheFirstWordThatIsNone) {
  const auto options = clean({{"GPUINIT", "off"}});
  EXPECT_EQ(gpuinit({"printf", "%s", "--help"}, options).out, "--help");
  EXPECT_EQ(gpuinit({"sh", "-c", "echo $0 x", "--check"}, options).out, "--check x\n");
  EXPECT_EQ(gpuinit({"--", "echo", "--", "--check"}, options).out, "-- --check\n");
}

TEST(CommandLine, AWordLikeAVerbIsACommand) {
  const Ran ran = gpuinit({"check"}, clean({{"GPUINIT", "off"}}));
  EXPECT_EQ(ran.exit_code, 127);
  EXPECT_THAT(ran.err, HasSubstr("`check` is not on PATH"));
}

TEST(CommandLine, ExplainsEveryCheckOfTheCatalogue) {
  const Ran catalogue = gpuinit({"--explain"});
  EXPECT_EQ(catalogue.exit_code, 0);
  for (const auto& check : checks::catalogue()) {
    EXPECT_THAT(catalogue.out, HasSubstr(std::string(check.id)));
    const Ran one = gpuinit({"--explain", std::string(check.id)});
    EXPECT_EQ(one.exit_code, 0);
    EXPECT_GT(one.out.size(), 300U) << check.id;
  }
}

TEST(CommandLine, ExplainsEveryExitCode) {
  const Ran ran = gpuinit({"--explain", "exit-codes"});
  EXPECT_EQ(ran.exit_code, 0);
  for (const char* code :
       {"0", "64", "65", "66", "69", "70", "75", "77", "78", "126", "127", "128"})
    EXPECT_THAT(ran.out, HasSubstr(code));
}

TEST(CommandLine, ATypingErrorInACheckIdIsToldWithTheNearest) {
  EXPECT_THAT(gpuinit({"--explain", "python.api"}).err, HasSubstr("did you mean python.abi?"));
  EXPECT_THAT(gpuinit({"--explain", "gpu.cuont"}).err, HasSubstr("did you mean gpu.count?"));
  EXPECT_THAT(gpuinit({"--explain", "polcy"}).err, HasSubstr("did you mean policy?"));
  EXPECT_THAT(gpuinit({"--explain", "3"}).err, HasSubstr("no exit code 3 of its own"));
}

TEST(CommandLine, ExplainsEachExitCode) {
  const Ran image = gpuinit({"--explain", "65"});
  EXPECT_EQ(image.exit_code, 0);
  EXPECT_THAT(image.out, StartsWith("65 (image): the image contradicts itself\nNo retry helps: "));
  EXPECT_THAT(image.out, HasSubstr("\n  python.abi: "));
  EXPECT_THAT(gpuinit({"--explain", "137"}).out, HasSubstr("ended by SIGKILL"));
  EXPECT_THAT(gpuinit({"--explain", "77", "--format", "json"}).out, HasSubstr("\"permission\""));
}

TEST(CommandLine, ExplainsThePolicyAndEachKey) {
  const Ran all = gpuinit({"--explain", "policy"});
  EXPECT_EQ(all.exit_code, 0);
  for (const char* key : {"checks.*: ", "gpu.count: ", "expect.driver: ", "launch.signals.*: "})
    EXPECT_THAT(all.out, HasSubstr(key));
  const Ran printed = gpuinit({"--print-policy", "--format", "json"});
  const auto policy = base::parse_json(printed.out);
  ASSERT_TRUE(policy.ok());
  for (const auto& row : *policy->find("policy")->as_array()) {
    const std::string key = *row.find("key")->as_string();
    const Ran one = gpuinit({"--explain", key});
    EXPECT_EQ(one.exit_code, 0) << key;
    if (key.starts_with("checks.") && key != "checks.undecided") {
      EXPECT_THAT(gpuinit({"--explain", key.substr(7)}).out, StartsWith(one.out));
    } else {
      const auto own = one.out.find("\n" + key + ": ");  // behind the check of that name
      EXPECT_THAT(all.out, HasSubstr(one.out.substr(own + 1)));
    }
  }
  const Ran both = gpuinit({"--explain", "expect.python"});
  EXPECT_THAT(both.out, StartsWith("expect.python: the interpreter's version is not"));
  EXPECT_THAT(both.out, HasSubstr("\nexpect.python: pins the interpreter's version\n"));
  EXPECT_THAT(gpuinit({"--explain", "accept"}).out, StartsWith("accept: "));
  EXPECT_THAT(gpuinit({"--explain", "checks"}).out, HasSubstr("\nchecks.undecided: "));
  const Ran table = gpuinit({"--explain", "launch.signals"});
  EXPECT_THAT(table.out, StartsWith("launch.signals.*: "));
  EXPECT_THAT(gpuinit({"--explain", "launch.signals.15"}).out,
              StartsWith("launch.signals.SIGTERM"));
  EXPECT_THAT(gpuinit({"--explain", "expect.packages.jax"}).out, StartsWith("expect.packages.jax"));
  const auto json = base::parse_json(gpuinit({"--explain", "gpu", "--format", "json"}).out);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(*json->find("keys")->as_array()->front().find("key")->as_string(), "gpu.required");
}

struct Peers {
  std::vector<std::string> words;
  std::string answer;
};

TEST(CommandLine, OptionsOfOtherInitsAreAnsweredWithOurs) {
  const Peers answers[] = {
      {{"-s"}, "`-s` is for tini; for gpuinit write `--supervise`"},
      {{"-w"}, "`-w` is for tini; for gpuinit write `--supervise`"},
      {{"-g"},
       "`-g` is for tini and catatonit; for gpuinit write `--supervise --set "
       "launch.signal-target=group`"},
      {{"-e", "143"},
       "`-e 143` is for tini; for gpuinit write `--supervise --set "
       "launch.exit-zero=[143]`"},
      {{"-e143", "-e", "130", "-s"},
       "`-e143 -e 130 -s` is for tini; for gpuinit write `--supervise "
       "--set launch.exit-zero=[143,130]`"},
      {{"-p", "15"},
       "`-p 15` is for tini; for gpuinit write `--supervise --set "
       "launch.parent-death-signal=SIGTERM`"},
      {{"-gpSIGINT"},
       "`-gpSIGINT` is for tini; for gpuinit write `--supervise --set "
       "launch.signal-target=group --set launch.parent-death-signal=SIGINT`"},
      {{"-vvv"}, "`-vvv` is for tini and dumb-init; for gpuinit write `--verbose`"},
      {{"-l"}, "`-l` is for tini; for gpuinit write `--version`"},
      {{"-V"}, "`-V` is for dumb-init and catatonit; for gpuinit write `--version`"},
      {{"-L"}, "`-L` is for catatonit; for gpuinit write `--version`"},
      {{"-P"}, "`-P` is for catatonit; for gpuinit write `--supervise sleep infinity`"},
      {{"-c"}, "`-c` is for dumb-init; for gpuinit write `--supervise`"},
      {{"--single-child"}, "`--single-child` is for dumb-init; for gpuinit write `--supervise`"},
      {{"-r", "15:2", "-r1:0"},
       "`-r 15:2 -r1:0` is for dumb-init; for gpuinit write `--supervise "
       "--set launch.signals.SIGTERM=SIGINT --set "
       "launch.signals.SIGHUP=ignore`"},
      {{"--rewrite", "15:2"},
       "`--rewrite 15:2` is for dumb-init; for gpuinit write `--supervise "
       "--set launch.signals.SIGTERM=SIGINT`"},
      {{"--rewrite=15:2"},
       "`--rewrite=15:2` is for dumb-init; for gpuinit write `--supervise --set "
       "launch.signals.SIGTERM=SIGINT`"},
      {{"--supervise", "-s"}, "`-s` is for tini; gpuinit does so without it"},
      // What it takes makes no sense: then an example.
      {{"-e", "many"},
       "`-e many` is for tini; for gpuinit write `--supervise --set "
       "launch.exit-zero=[143]`"},
  };
  for (const auto& [words, answer] : answers) {
    std::vector<std::string> arguments = words;
    arguments.insert(arguments.end(), {"--", "true"});
    const Ran ran = gpuinit(arguments);
    EXPECT_EQ(ran.exit_code, 64);
    EXPECT_EQ(ran.err, "gpuinit: " + answer + "\nTry `gpuinit --help`.\n");
  }
  EXPECT_THAT(gpuinit({"-x", "true"}).err, StartsWith("gpuinit: unknown option -x\n"));
  EXPECT_THAT(gpuinit({"-r"}).err, HasSubstr("launch.signals.SIGTERM=SIGINT"));
}

TEST(CommandLine, TheWordsOfGpuinitEqualsOff) {
  for (const char* word : {"off", "OFF", "0", "false", "No"}) {
    const Ran ran = gpuinit({"--check"}, clean({{"GPUINIT", word}}));
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_EQ(ran.err, "gpuinit: GPUINIT=off: nothing was checked\n") << word;
  }
  const Words checked{"--check", "--set", "expect.python=1.0", "--", "python3"};
  for (const char* word : {"", "on", "1", "TRUE", "yes"}) {
    const Ran ran = gpuinit(checked, clean({{"GPUINIT", word}}));
    EXPECT_NE(ran.exit_code, 0) << word;
    EXPECT_THAT(ran.err, testing::Not(HasSubstr("GPUINIT="))) << word;
  }
  const Ran ran = gpuinit(checked, clean({{"GPUINIT", "aus"}}));
  EXPECT_NE(ran.exit_code, 0);
  EXPECT_THAT(ran.err, StartsWith("gpuinit: GPUINIT=aus: expected on or off; the checks run\n"));
}

TEST(CommandLine, PoliciesAreLaidOverEachOtherInOrder) {
  Tree tree;
  tree.file("mine.toml", "version = 1\n[gpu]\nrequired = \"yes\"\n");
  const std::string mine = tree.at("mine.toml");
  const Words changed{"--print-policy", "--changed", "--policy", "builtin:supervise", "--policy"};
  Words words = changed;
  words.insert(words.end(), {mine, "--set", "gpu.count=>=1"});
  const Ran ran = gpuinit(words);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, testing::ContainsRegex("\\[gpu\\]\nrequired = \"yes\" +# .*mine.toml:3\n\n"
                                              "\\[launch\\]\nmode = \"supervise\" +# builtin:sup"));
  EXPECT_THAT(ran.out, testing::Not(HasSubstr("count")));
  const Ran named = gpuinit({"--print-policy"}, clean({{"GPUINIT_POLICY", "builtin:strict"}}));
  EXPECT_THAT(named.out, testing::ContainsRegex("user = \"fail\" +# builtin:strict:[0-9]+\n"));
  EXPECT_EQ(gpuinit({"--policy", "builtin:none", "true"}).exit_code, 78);
}

TEST(CommandLine, EveryProblemOfThePolicyIsOneLine) {
  Tree tree;
  tree.file("p.toml", "version = 1\n[gpu]\nrequired = yes\ncuont = 1\n");
  const Ran ran = gpuinit({"--policy", tree.at("p.toml"), "--set", "x=1", "true"});
  EXPECT_EQ(ran.exit_code, 78);
  const auto lines = base::split_lines(ran.err);
  ASSERT_GE(lines.size(), 3U) << ran.err;
  EXPECT_THAT(std::string(lines[0]), HasSubstr("p.toml:3:12: `yes` is text and needs quotes"));
  EXPECT_THAT(std::string(lines[1]), HasSubstr("p.toml:4:1: unknown key `gpu.cuont`"));
  EXPECT_THAT(std::string(lines[2]), StartsWith("gpuinit: --set 'x=1': unknown key `x`"));
}

}  // namespace
}  // namespace gpuinit::test
