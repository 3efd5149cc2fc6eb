#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gpuinit::base
