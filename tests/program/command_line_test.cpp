// The command line is a contract: scripts rely on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "checks/run_checks.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CommandLine, HelpFitsAScreen) {
  const Ran ran = gpuinit({"--help"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.err, "");
  const auto lines = base::split_lines(ran.out);
  EXPECT_LE(lines.size(), 27U);
  for (const auto line : lines) EXPECT_LE(line.size(), 80U) << line;
}

TEST(CommandLine, VersionIsOneLine) {
  const Ran ran = gpuinit({"--version"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, "gpuinit " GPUINIT_VERSION "\n");
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
}

}  // namespace
}  // namespace gpuinit::test
