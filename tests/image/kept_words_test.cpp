// What of a command becomes a fact, and what of a word may be told.
#include "image/start/kept_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/start/words.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using Words = std::vector<std::string>;

Start start_of(const std::string& step, const std::string& runs) {
  Program program;
  program.path = "/usr/bin/python3";
  program.runs = runs;
  return {{{step, "", ""}}, program, {}, Error{"no Python"}};
}

TEST(KeptWords, ValuesAndOtherWordsAreMasked) {
  EXPECT_THAT(kept_words({"tini", "--", "python3", "-u", "/app/train.py", "--token", "S", "--key=S",
                          "S", "-pS12", "NAME=S", "/S", "-"},
                         start_of("tini", "/app/train.py")),
              ElementsAre("tini", "--", "python3", "-u", "/app/train.py", "--token", "…", "--key=…",
                          "…", "-p…", "NAME=…", "…", "-"));
  EXPECT_THAT(kept_words({"bash", "-lc", "S=S python3 x"}, start_of("bash", "x")),
              ElementsAre("bash", "-lc", "S=…"));
}

TEST(KeptWords, ModulesAndWhatChecksLookForStay) {
  EXPECT_THAT(kept_words({"/entry.sh", "vllm", "serve", "bench", "--enforce-eager"},
                         start_of("/entry.sh", "")),
              ElementsAre("/entry.sh", "vllm", "…", "bench", "--enforce-eager"));
  EXPECT_THAT(kept_words({"python3", "-m", "pkg.mod", "S"}, start_of("", "-m pkg.mod")),
              ElementsAre("python3", "-m", "pkg.mod", "…"));
}

TEST(KeptWords, WithoutACommandThereIsNone) {
  EXPECT_THAT(kept_words({}, start_of("", "")), testing::IsEmpty());
}

TEST(MaskedWord, KeepsTheNameOfAnOptionOrAVariable) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "…"},      {"S", "…"},        {"--x", "--x"},    {"--x=S", "--x=…"},
      {"-np", "-np"}, {"-npS", "-n…"},   {"-x=S", "-x=…"},  {"A=S", "A=…"},
      {"=S", "…"},    {"--x S", "--x…"}, {"--a/b", "--a…"}, {"-token=S", "-t=…"}};
  for (const auto& [word, told] : rows) EXPECT_EQ(masked(word), told) << word;
}

}  // namespace
}  // namespace gpuinit::image
