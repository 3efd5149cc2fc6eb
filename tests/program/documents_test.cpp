// The documents and the shipped policies are held to the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "gpuinit/check_ids.h"
#include "gpuinit/exit_codes.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

std::string content(const std::string& path) {
  std::ifstream file(std::string(GPUINIT_SOURCE) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The long options that --help names.
std::vector<std::string> options() {
  std::vector<std::string> found;
  const Ran help = gpuinit({"--help"});
  for (const auto word : base::split_words(help.out)) {
    std::string option(word.substr(0, word.find_last_not_of(",])") + 1));
    if (option.starts_with("--") && option.size() > 2 && option.find('.') == std::string::npos)
      found.push_back(option);
  }
  return found;
}

TEST(Documents, ManPageAndCompletionsKnowEveryOption) {
  ASSERT_GE(options().size(), 13U);
  const std::string man = content("docs/gpuinit.1");
  for (const auto& option : options()) {
    std::string in_man = option;
    for (std::size_t at = 0; (at = in_man.find('-', at)) != std::string::npos; at += 2)
      in_man.replace(at, 1, "\\-");
    EXPECT_TRUE(man.find(option) != std::string::npos || man.find(in_man) != std::string::npos ||
                man.find(option.substr(2)) != std::string::npos)
        << option;
    for (const char* shell : {"gpuinit.bash", "_gpuinit", "gpuinit.fish"})
      EXPECT_THAT(content(std::string("docs/completion/") + shell), HasSubstr(option.substr(2)));
  }
}

TEST(Documents, ReadmeNamesEveryCheckAndExitCode) {
  const std::string readme = content("README.md");
  for (const auto id : kCheckIds) EXPECT_THAT(readme, HasSubstr("`" + std::string(id) + "`"));
  for (const auto& code : kExitCodes) EXPECT_THAT(readme, HasSubstr(std::to_string(code.code)));
}

TEST(Documents, ShippedPoliciesLoadAndPrintThemselves) {
  for (const auto& file : std::filesystem::directory_iterator(GPUINIT_POLICIES)) {
    const Ran ran = gpuinit({"--policy", file.path(), "--print-policy"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr(file.path().filename().string() + ":"));
  }
}

TEST(Documents, ABadRangeIsRefusedWithItsPlace) {
  Tree tree;
  tree.file("p.toml", "version = 1\n[expect]\ntorch = \"banana\"\n");
  const Ran ran = gpuinit({"--policy", tree.at("p.toml"), "true"});
  EXPECT_EQ(ran.exit_code, 78);
  EXPECT_THAT(ran.err, HasSubstr("p.toml:3:"));
  EXPECT_THAT(ran.err, HasSubstr("banana"));
}

}  // namespace
}  // namespace gpuinit::test
