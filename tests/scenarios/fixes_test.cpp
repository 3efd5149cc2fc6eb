// Every fix works as typed, or does not look like a command.
//
// A command in a fix stands in backquotes. GPUINIT_WRITE_FIXES=FILE has them written there, a line
// for each: scenario, tab, command; GPUINIT_WRITE_TEXTS=FILE all that is said, to be read aloud.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "base/text.h"
#include "checks/run_checks.h"
#include "rules/python_version.h"
#include "scenarios/judged.h"

namespace gpuinit::test {
namespace {

constexpr std::array<std::string_view, 13> kPrograms{
    "pip",        "uv",       "conda",           "apt-get", "docker", "podman", "python",
    "nvidia-smi", "patchelf", "nvidia-modprobe", "gpuinit", "export", "rm"};

bool is_command(std::string_view text) {
  std::string_view program = text.substr(0, text.find(' '));
  program = program.substr(program.rfind('/') + 1);
  return std::ranges::any_of(kPrograms, [&](std::string_view known) {
    return program == known || (known == "python" && program.starts_with(known));
  });
}

// In backquotes, and what is left of the text without these.
struct Parts {
  std::vector<std::string> commands;
  std::string prose;
};
Parts parts_of(const std::string& text) {
  Parts parts;
  bool quoted = false;
  for (const auto part : base::split(text, '`')) {
    if (!quoted) parts.prose += part;
    else if (is_command(part)) parts.commands.emplace_back(part);
    quoted = !quoted;
  }
  return parts;
}

// As a shell has them; a word that was in quotes keeps them.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (const char c : command) {
    if (c == quote) quote = 0;
    else if (quote == 0 && (c == '\'' || c == '"')) quote = c;
    if (c == ' ' && quote == 0) words.emplace_back();
    else words.back() += c;
  }
  return words;
}

// Why pip cannot take it: empty if it can.
std::string wrong_requirement(std::string word) {
  if (word.starts_with('\'')) word = word.substr(1, word.size() - 2);
  const auto equal = word.find("==");
  if (equal == std::string::npos) return "";
  if (equal == 0) return "no name";
  const auto version = rules::parse_python_version(word.substr(equal + 2));
  if (!version) return word + " is not a version";
  if (version->is_prerelease() || !version->local.empty()) return word + " is on no index";
  return "";
}

std::string wrong_install(const std::vector<std::string>& words, std::size_t at) {
  bool named = false;
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--python" || word.ends_with("index-url") || word == "-c") ++at;
    else if (!word.starts_with('-')) {
      named = true;
      if (std::string wrong = wrong_requirement(word); !wrong.empty()) return wrong;
    }
  }
  return named ? "" : "no package";
}

// Empty if it can be typed.
std::string wrong_with(const std::string& command) {
  const auto words = words_of(command);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool quoted = word.starts_with('\'') || word.starts_with('"');
    if (!quoted && word.find_first_of("<>|;…") != std::string::npos) return "unquoted: " + word;
    if (!quoted && word.size() > 2 && word != "DEFAULT" &&
        word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == std::string::npos)
      return "a placeholder: " + word;
    if (word == "install" || word == "uninstall") {
      const auto end = std::find(words.begin() + static_cast<std::ptrdiff_t>(i), words.end(), "&&");
      if (std::string wrong = wrong_install({words.begin(), end}, i + 1); !wrong.empty())
        return wrong;
    }
  }
  return "";
}

void expect_can_be_typed(const std::string& fix, const std::string& of) {
  const Parts parts = parts_of(fix);
  for (const std::string& command : parts.commands)
    EXPECT_EQ(wrong_with(command), "") << of << ": " << command;
  for (const char* word : {"pip install", "pip uninstall", "apt-get install", "conda install",
                           "uv pip", "docker run", "--force-reinstall"})
    EXPECT_EQ(parts.prose.find(word), std::string::npos)
        << of << ": " << word << " looks like a command, and stands in no backquotes: " << fix;
}

TEST(Fixes, WorkAsTypedOrDoNotLookLikeACommand) {
  const char* const commands = std::getenv("GPUINIT_WRITE_FIXES");
  const char* const texts = std::getenv("GPUINIT_WRITE_TEXTS");
  std::ofstream written(commands != nullptr ? commands : "/dev/null");
  std::ofstream said(texts != nullptr ? texts : "/dev/null");
  int count = 0;
  for (const auto& file : scenario_files()) {
    const Scenario scenario = read_scenario(file);
    for (const Told& told : judged(scenario.faulty).told) {
      expect_can_be_typed(told.fix, scenario.file_name);
      said << scenario.file_name << ' ' << told.severity << ' ' << told.id << "\n  " << told.summary
           << "\n  why: " << told.why << "\n  fix: " << told.fix << "\n\n";
      for (const std::string& command : parts_of(told.fix).commands) {
        written << scenario.file_name << '\t' << command << '\n';
        ++count;
      }
    }
  }
  EXPECT_GE(count, 15);
}

TEST(Fixes, OfTheExplanationsToo) {
  for (const CheckInfo& check : checks::catalogue())
    expect_can_be_typed(std::string(check.fix), std::string(check.id));
}

TEST(Fixes, WhatCannotWorkIsSeen) {
  EXPECT_EQ(wrong_with("python -m pip install --upgrade 'torch==2.8.0' torchvision"), "");
  EXPECT_EQ(wrong_with("pip install 'numpy<2'"), "");
  EXPECT_EQ(wrong_with("uv pip install --python /v/bin/python torch"), "");
  EXPECT_EQ(wrong_with("pip uninstall -y a && pip install 'b==1.0'"), "");
  for (const char* command :
       {"pip install numpy<2", "pip install --force-reinstall --no-cache-dir", "pip install NAME",
        "pip install 'torch==1.13.0a0'", "pip install torch==2.8.0+cu128", "pip install '==1.0'",
        "uv pip install --python /v/bin/python", "gpuinit --seal /s -- COMMAND"})
    EXPECT_NE(wrong_with(command), "") << command;
}

}  // namespace
}  // namespace gpuinit::test
