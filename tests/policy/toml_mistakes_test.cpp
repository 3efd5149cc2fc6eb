// The mistakes that people make in a policy, and the whole sentence that each is answered with.
#include "policy/toml_mistakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "policy/toml_document.h"
#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

// "LINE:COLUMN: sentence" for each problem of the text.
std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const TomlProblem& problem : parse_toml(text).problems)
    lines.push_back(std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) +
                    ": " + problem.message);
  return lines;
}

constexpr char kName[] =
    "a name has letters, digits, `-` and `_`, with dots between; any other is in quotes";
constexpr char kNoEnd[] = "the text that begins here has no closing quotation mark";
constexpr char kBackslash[] =
    "a `\\` in \"…\" begins an escape: write it twice, or put the text in '…'";
constexpr char kSemicolon[] =
    "a `;` separates settings in GPUINIT_SET; in a file each has a line of its own";
constexpr char kComma[] = "a `,` separates items of a list; a setting ends with its line";
constexpr char kInline[] =
    "a table on one line is { NAME = VALUE, NAME = VALUE }; or begin it with [NAME]";

struct Mistake {
  std::string text;
  std::string told;
};
const Mistake kMistakes[] = {
    // Text without quotes.
    {"required = yes", "1:12: `yes` is text and needs quotes: \"yes\" (or is it true?)"},
    {"required = off", "1:12: `off` is text and needs quotes: \"off\" (or is it false?)"},
    {"required = auto # x", "1:12: `auto` is text and needs quotes: \"auto\""},
    {"required = True", "1:12: `True` is written true"},
    {"required = FALSE", "1:12: `FALSE` is written false"},
    {"torch = 2.8.*", "1:9: `2.8.*` is text and needs quotes: \"2.8.*\""},
    {"python = 3.10.1", "1:10: `3.10.1` is text and needs quotes: \"3.10.1\""},
    {"count = >=8", "1:9: `>=8` is text and needs quotes: \">=8\""},
    {"memory = 40GiB", "1:10: `40GiB` is text and needs quotes: \"40GiB\""},
    {"memory = 40 GiB", "1:13: only a comment (#) can follow the value"},
    {"seal = /etc/seal", "1:8: `/etc/seal` is text and needs quotes: \"/etc/seal\""},
    {"day = 2026-13-01", "1:7: `2026-13-01` is text and needs quotes: \"2026-13-01\""},
    {"deny = [ptrace, mount]", "1:9: `ptrace` is text and needs quotes: \"ptrace\""},
    // Quotes.
    {"count = \"8", std::string("1:9: ") + kNoEnd},
    {"count = '8 # x\nx = 1", std::string("1:9: ") + kNoEnd},
    {"count = \"8\r\nx = 1", std::string("1:9: ") + kNoEnd},
    {"count = 8\"", "1:9: the text has no opening quotation mark: \"8\""},
    {"count = “8”", "1:9: `“` is not a quotation mark of TOML, which has \" and '"},
    {"count = ‘8’", "1:9: `‘` is not a quotation mark of TOML, which has \" and '"},
    {"p = \"\"\"abc\nx = 1\n", std::string("1:5: ") + kNoEnd},
    {"p = \"C:\\dir\"", std::string("1:9: ") + kBackslash},
    {"p = \"a\x01\"", "1:7: a control character (U+0001) is written with a `\\` in \"…\""},
    {"p = 'it's'", "1:9: only a comment (#) can follow the value"},
    // Between and after.
    {"count = \"8\";", std::string("1:12: ") + kSemicolon},
    {"count = 8;", std::string("1:10: ") + kSemicolon},
    {"count = \"8\",", std::string("1:12: ") + kComma},
    {"required = true,", std::string("1:16: ") + kComma},
    {"count: \"8\"", "1:6: a `=` stands between a name and its value, not `:`"},
    {"count := \"8\"", "1:7: one `=` stands between a name and its value, not `:=`"},
    {"count == \"8\"",
     "1:8: one `=` stands between a name and its value; a text, \"==2.8\", is in quotes"},
    {"count = ", "1:7: a value is missing after the `=`; an empty text is \"\""},
    {"count = # 8", "1:7: a value is missing after the `=`; an empty text is \"\""},
    {"count", "1:1: the `=` is missing: NAME = VALUE"},
    {"count \"8\"", "1:1: the `=` is missing: NAME = VALUE"},
    {"  = 3", "1:3: a name is missing before the `=`"},
    {"a b = 3", std::string("1:1: ") + kName},
    {"SIGRTMIN+3 = 1", std::string("1:1: ") + kName},
    {"a..b = 1", std::string("1:1: ") + kName},
    {"// x", "1:1: a comment begins with #"},
    {"; x", "1:1: a comment begins with #"},
    {"{\"a\": 1}", "1:1: this line is not TOML: NAME = VALUE, text in quotes"},
    // Numbers.
    {"timeout = 08",
     "1:11: `08` is not a number: write 8 or 0.5, without a leading 0 or a dot at an end, in 64 "
     "bits"},
    {"timeout = .5",
     "1:11: `.5` is not a number: write 8 or 0.5, without a leading 0 or a dot at an end, in 64 "
     "bits"},
    // Tables.
    {"[gpu", "1:1: `[gpu` has no closing `]`"},
    {"[gpu # x", "1:1: `[gpu` has no closing `]`"},
    {"[gpu] x", "1:6: only a comment (#) can follow `[gpu]`"},
    {"[[accept", "1:1: `[[accept` has no closing `]]`"},
    {"[[accept] # x", "1:1: `[[accept` has no closing `]]`"},
    {"[[accept]] x", "1:11: only a comment (#) can follow `[[accept]]`"},
    {"[]", "1:1: a name is missing between `[` and `]`"},
    {"[a b]", std::string("1:1: ") + kName},
    {"[a]\n[a]", "2:1: `[a]` is set above already; all that belongs to it stands in one place"},
    {"a.b = 1\n[a]", "2:1: `[a]` is set above already; all that belongs to it stands in one place"},
    {"a = 1\na = 2", "2:1: `a` is set twice in this file"},
    {"a = {b = 1", std::string("1:5: ") + kInline},
    {"a = {b = 1,}", std::string("1:5: ") + kInline},
    // Lists.
    {"deny = [\"a\" \"b\"]", "1:13: a `,` is missing before this item"},
    {"deny = [\n  \"a\"\n  \"b\"\n]", "3:3: a `,` is missing before this item"},
    {"deny = [ # x\n  \"a\", # it's\n  b # y\n]", "3:3: `b` is text and needs quotes: \"b\""},
    {"deny = [\"a\",, \"b\"]", "1:13: an item is missing before this `,`"},
    {"deny = [\"a\"; \"b\"]", "1:12: a `,` separates the items of a list, not a `;`"},
    {"deny = [\"a\"\n[gpu]\nx = 1", "1:8: the list that begins here has no closing `]`"},
    {"deny = [\"a\",\nx = 1", "1:8: the list that begins here has no closing `]`"},
    {"deny = [\"a\"\n\n", "1:8: the list that begins here has no closing `]`"},
    {"deny = [\"a, \"b\"]", "1:14: a `,` or a quotation mark is missing before this"},
    {"deny = [\"a]", std::string("1:9: ") + kNoEnd},
    {"a = [[[[[[[[[1]]]]]]]]]", "1:5: more than 8 lists or tables within each other"},
    // Characters.
    {"count =\u00a0\"8\"", "1:8: a character that nobody sees (U+00A0) stands here"},
    {"a = 1\rb = 2", "1:6: a carriage return alone does not end a line"},
    {"a = \"b\xff\"", "1:7: this is not UTF-8"},
    {"\xff\xfe"
     "v",
     "1:1: the file is UTF-16; a policy is UTF-8"},
    {"\xef\xbb\xbf"
     "a = yes",
     "1:5: `yes` is text and needs quotes: \"yes\" (or is it true?)"},
};

TEST(TomlMistakes, EachIsAnsweredInOurWords) {
  for (const auto& [text, told] : kMistakes)
    EXPECT_THAT(problems_of(text), testing::ElementsAre(told)) << text;
}

// Of a mistake its line is left out, of one in a list all of it, of a table that is not known its
// settings: what follows is read as if they were right.
TEST(TomlMistakes, WhatFollowsIsReadAsWell) {
  const Mistake rest{"\n[next]\nx = no",
                     ":5: `no` is text and needs quotes: \"no\" (or is it false?)"};
  for (const auto& [text, told] : kMistakes) {
    // Nobody knows where such a text ends.
    if (text.find("\"\"\"") != text.npos || text.starts_with('{')) continue;
    const auto problems = problems_of(text + rest.text);
    ASSERT_EQ(problems.size(), 2U) << text << testing::PrintToString(problems);
    EXPECT_EQ(problems[0], told);
    EXPECT_THAT(problems[1], testing::EndsWith(rest.told)) << text;
  }
  const TomlDocument document =
      parse_toml("a: 1\n[b\nc = 2\nd = [\n 1\n 2\n]\ne = 3\n[f] x\ng = 4\n");
  std::vector<std::string> names;
  for (const TomlEntry& entry : document.entries)
    names.push_back(dotted(entry.path, entry.path.size()));
  EXPECT_THAT(names, testing::ElementsAre("b.c", "b.e", "f.g"));
}

TEST(TomlMistakes, AreTwentyAtMost) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "x" + std::to_string(i) + " = yes\n";
  EXPECT_EQ(parse_toml(text).problems.size(), kMaxTomlProblems);
}

// Phrases of the parser, none of which may be seen.
constexpr const char* kParserWords[] = {
    "Error while", "ncountered", "saw ",        "could not determine", "prohibited",
    "redefine",    "TOML_",      "end-of-file", "not supported",       "not representable"};

void expect_our_words(const std::string& text) {
  Layers layers = test::layers();
  const Status done = layers.add_file("f", text);
  if (done) return;
  for (const char* word : kParserWords)
    EXPECT_THAT(done.error().message, testing::Not(testing::HasSubstr(word))) << text;
  for (const auto line : base::split_lines(done.error().message)) {
    EXPECT_EQ(base::printable(line, line.size()), line);
    EXPECT_GT(line.size(), 20U) << text;
  }
}

TEST(TomlMistakes, TheParsersWordsAreNeverShown) {
  int files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(GPUINIT_SOURCE_DIR "/tests/fuzz/corpus/policy")) {
    std::ifstream stream(file.path());
    std::string text(std::istreambuf_iterator<char>(stream), {});
    text = text.substr(1, 1000);  // the first says what the rest is
    ++files;
    constexpr std::string_view kPut = "\"'[]{}=:;,#. \n\\\x01x8\xff";
    for (std::size_t i = 0; i < text.size(); i += 3) {
      expect_our_words(text.substr(0, i));
      std::string damaged = text;
      damaged[i] = kPut[i % kPut.size()];
      expect_our_words(damaged);
    }
  }
  EXPECT_GT(files, 10);
}

}  // namespace
}  // namespace gpuinit::policy
