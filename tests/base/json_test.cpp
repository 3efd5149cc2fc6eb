#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

namespace gpuinit::base {
namespace {

using testing::HasSubstr;

TEST(Json, PrintsWhatItParsed) {
  const std::string text =
      "{\n  \"b\": [\n    1,\n    -2,\n    1.5,\n    true,\n    null\n  ],\n  \"a\": \"x\"\n}";
  auto json = parse_json(text);
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_EQ(print_json(*json), text);
}

TEST(Json, FindsTheLastOfEqualKeys) {
  auto json = parse_json(R"({"a": 1, "a": "two"})");
  ASSERT_TRUE(json.ok());
  ASSERT_NE(json->find("a"), nullptr);
  EXPECT_EQ(*json->find("a")->as_string(), "two");
  EXPECT_EQ(json->find("b"), nullptr);
}

TEST(Json, ErrorNamesLineAndColumn) {
  auto json = parse_json("{\n  \"a\": }\n");
  ASSERT_FALSE(json.ok());
  EXPECT_THAT(json.error().message, HasSubstr("line 2, column 8"));
}

TEST(Json, DepthIsBounded) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')).ok());
  auto deep = parse_json(std::string(100'000, '['));
  ASSERT_FALSE(deep.ok());
  EXPECT_THAT(deep.error().message, HasSubstr("deeper than 64"));
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "nul", "[1,]", "{'a':1}", "1 2", "\"\xff\""})
    EXPECT_FALSE(parse_json(text).ok()) << text;
}

TEST(Json, PrintingReplacesInvalidUtf8) {
  EXPECT_EQ(print_json(Json("a\xff"
                            "b")),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(Json, WhatATerminalWouldObeyIsEscapedAndDecodes) {
  const std::string name = "\x1b[2J\n\x7f\xc2\x9b\u202e\u200b\ufeff \u3042\U0001F600\"\\";
  const std::string printed = print_json(Json(JsonObject{{name, name}}));
  EXPECT_THAT(printed, HasSubstr(R"(\u001b[2J\n\u007f\u009b\u202e\u200b\ufeff )"));
  EXPECT_THAT(printed, HasSubstr("\u3042\U0001F600"));
  const auto again = parse_json(printed);
  ASSERT_TRUE(again.ok());
  ASSERT_NE(again->find(name), nullptr);
  EXPECT_EQ(*again->find(name)->as_string(), name);
}

// By work, not by time: ten times as many keys may cost at most thirty times as much.
TEST(Json, PrintingAndParsingIsLinear) {
  const auto seconds = [](int keys) {
    JsonObject object;
    for (int i = 0; i < keys; ++i) object.emplace_back("name " + std::to_string(i), i);
    const Json json(std::move(object));
    const std::clock_t start = std::clock();
    EXPECT_TRUE(parse_json(print_json(json)).ok());
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  EXPECT_LT(seconds(100'000), 30 * std::max(seconds(10'000), 0.01));
}

}  // namespace
}  // namespace gpuinit::base
