// What the pages say about the source and about each other is true.
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "program/documents.h"

namespace gpuinit::test {
namespace {

std::vector<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

TEST(Documents, LinkToWhatThereIs) {
  const std::filesystem::path root(GPUINIT_SOURCE);
  for (const auto& page : pages()) {
    for (const auto& link : matches(content(page), R"(\]\(([^)#]+))")) {
      if (link.starts_with("http")) continue;
      EXPECT_TRUE(std::filesystem::exists((root / page).parent_path() / link))
          << page << ": " << link;
    }
  }
}

TEST(Documents, NameFilesThatThereAre) {
  const std::filesystem::path root(GPUINIT_SOURCE);
  for (const auto& page : pages())
    for (const auto& file :
         matches(content(page), "`((?:src|include|tests|docker|docs|policies)/[\\w./-]+)"))
      EXPECT_TRUE(std::filesystem::exists(root / file)) << page << ": " << file;
}

TEST(Documents, GiveGpuinitOnlyOptionsThatItHas) {
  const auto known = options();
  for (const auto& page : pages())
    for (const auto& words :
         matches(content(page), R"(gpuinit((?: --[a-z][^ \n]*(?: [^ \n-][^ \n]*)?)+))"))
      for (const auto& option : matches(words, " (--[a-z-]+)"))
        EXPECT_TRUE(known.contains(option)) << page << ": gpuinit" << words;
}

// Keep a Changelog's form; the newest version is that of CMakeLists.txt's project().
TEST(Documents, TheChangelogHasThisVersionOnTop) {
  const std::string text = content("CHANGELOG.md");
  std::vector<std::string> versions = matches(text, R"(\n## \[([^\]]+)\])");
  std::erase(versions, "Unreleased");
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(versions.front(), GPUINIT_VERSION) << "CHANGELOG.md lacks ## [" GPUINIT_VERSION "]";
  EXPECT_LT(text.find("\n## [Unreleased]"), text.find("\n## [" GPUINIT_VERSION "]"));
  EXPECT_TRUE(contains(content("docs/gpuinit.1"), "\"gpuinit " GPUINIT_VERSION "\""));
  const std::string kinds = " Added Changed Deprecated Removed Fixed Security ";
  for (const auto& kind : matches(text, "\n### ([^\n]*)"))
    EXPECT_TRUE(contains(kinds, " " + kind + " ")) << kind;
}

TEST(Documents, ArchitectureHasEveryRoomAndWhatItLinks) {
  const std::string page = content("docs/architecture.md");
  int rooms = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GPUINIT_SOURCE "/src")) {
    if (!entry.is_directory()) continue;
    ++rooms;
    const std::string room = entry.path().filename();
    const auto links = matches(content("src/" + room + "/CMakeLists.txt"),
                               R"(gpuinit_room\(\w+(?: LINKS ([\w ]+))?\))");
    ASSERT_EQ(links.size(), 1U) << room;
    const std::string row = "| `" + room + "` | " + (links[0].empty() ? "–" : links[0]) + " | ";
    EXPECT_TRUE(contains(page, "\n" + row)) << "docs/architecture.md, Rooms, lacks this line:\n"
                                            << row << "what it does |";
  }
  EXPECT_GE(rooms, 16);
}

TEST(Documents, ArchitectureNamesEveryFileThatForks) {
  const std::string page = content("docs/architecture.md");
  int forks = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(GPUINIT_SOURCE "/src")) {
    if (entry.path().extension() != ".cpp") continue;
    const auto file = entry.path().lexically_relative(GPUINIT_SOURCE).string();
    const std::string source = content(file);
    if (!contains(source, "fork()") && !contains(source, "posix_spawn")) continue;
    ++forks;
    EXPECT_TRUE(contains(page, "`" + file + "`"))
        << "docs/architecture.md, Processes, lacks this line:\n| what it is for | `" << file
        << "` | who reaps it |";
  }
  EXPECT_GE(forks, 4);
}

}  // namespace
}  // namespace gpuinit::test
