// The documents as text, and what the program says of itself.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {

inline std::string content(const std::string& path) {
  std::ifstream file(std::string(GPUINIT_SOURCE) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// "README.md", "docs/policy.md" and so on.
inline std::vector<std::string> pages() {
  std::vector<std::string> found{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"};
  for (const auto& file : std::filesystem::directory_iterator(GPUINIT_SOURCE "/docs"))
    if (file.path().extension() == ".md")
      found.push_back("docs/" + file.path().filename().string());
  return found;
}

// The long options and the verbs that --help names, with what it says of them.
inline std::map<std::string, std::string> options() {
  std::map<std::string, std::string> found;
  std::istringstream lines(gpuinit({"--help"}).out);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t gap = line.rfind("  ");
    const std::string text = gap == std::string::npos ? "" : line.substr(gap + 2);
    for (const auto word : base::split_words(line)) {
      std::string option(word.substr(0, word.find_last_not_of(",])") + 1));
      if (option.starts_with("[")) option.erase(0, 1);
      if (option.starts_with("--") && option.size() > 2)
        found.emplace(option, text.starts_with("--") ? "" : text);
    }
  }
  EXPECT_GE(found.size(), 15U);
  return found;
}

}  // namespace gpuinit::test
