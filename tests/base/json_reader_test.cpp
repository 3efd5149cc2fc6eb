#include "base/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::base {
namespace {

using testing::ElementsAre;

// What `read` complains of; empty if of nothing.
template <class Read>
std::string problem(const std::string& text, const Read& read) {
  const auto json = parse_json(text);
  EXPECT_TRUE(json.ok()) << text;
  std::optional<Error> problem;
  read(JsonReader(*json, "node", problem));
  return problem ? problem->message : "";
}

TEST(JsonReader, NamesThePlaceOfWhatItDidNotExpect) {
  const std::string text = R"({"devices": [{}, {"uuid": 7, "mig": {}, "\u001b": []}]})";
  const auto second = [](const JsonReader& root, auto read) {
    const auto devices = root.member("devices");
    devices->each([&](const JsonReader& device) {
      if (device.member("uuid")) read(device);
    });
  };
  EXPECT_EQ(
      problem(text, [&](auto root) { second(root, [](auto in) { in.member("uuid")->string(); }); }),
      "node.devices[1].uuid: expected a string, got number 7");
  EXPECT_EQ(
      problem(text, [&](auto root) { second(root, [](auto in) { in.member("mig")->boolean(); }); }),
      "node.devices[1].mig: expected true or false, got an object");
  EXPECT_EQ(
      problem(text,
              [&](auto root) { second(root, [](auto in) { in.member("\x1b")->count("4"); }); }),
      "node.devices[1].\\x1b: expected a whole number like 4, got an array");
  EXPECT_EQ(
      problem(text,
              [&](auto root) { second(root, [](auto in) { in.fail_at("name", "is missing"); }); }),
      "node.devices[1].name: is missing");
}

TEST(JsonReader, TheFirstProblemIsKept) {
  EXPECT_EQ(problem("{}", [](auto root) { root.array(), root.string(), root.fail("no"); }),
            "node: expected an array, got an object");
}

TEST(JsonReader, WholeNumbersAreOfEitherSignAndDoNotOverflow) {
  const auto integer = [](const char* text) {
    std::optional<Error> ignored;
    const auto json = parse_json(text);
    return JsonReader(*json, "", ignored).integer();
  };
  EXPECT_EQ(integer("0"), 0);
  EXPECT_EQ(integer("2147483647"), 2147483647);
  EXPECT_EQ(integer("-2147483647"), -2147483647);
  for (const char* text : {"2147483648", "-2147483648", "1.0", "\"1\"", "18446744073709551615"})
    EXPECT_EQ(integer(text), std::nullopt) << text;
}

TEST(JsonReader, OtherMembersAreRefusedWithTheNearestKnownOne) {
  const std::vector<std::string> known{"name", "uuid"};
  const auto refuse = [&](const char* text) {
    return problem(text, [&](auto root) {
      root.refuse_other_members(known, [](std::string_view key) { return key == "_"; });
    });
  };
  EXPECT_EQ(refuse(R"({"name": 1, "_": 2})"), "");
  EXPECT_EQ(refuse(R"({"names": 1})"), "node: unknown key `names`; did you mean `name`?");
  EXPECT_EQ(refuse(R"({"zzzzzz": 1})"), "node: unknown key `zzzzzz`; valid are name, uuid");
  EXPECT_EQ(refuse("7"), "node: expected an object, got number 7");
}

// As the lenient do: what fits is read, whatever stands beside it.
TEST(JsonReader, ReadsOnAfterAProblem) {
  EXPECT_EQ(problem(R"({"a": [1, "x", null, "y"], "n": 1.5})",
                    [](auto root) {
                      EXPECT_THAT(root.member("a")->strings(), ElementsAre("x", "y"));
                      EXPECT_EQ(root.member("n")->number(), 1.5);
                      EXPECT_FALSE(root.member("b"));
                    }),
            "node.a[0]: expected a string, got number 1");
}

}  // namespace
}  // namespace gpuinit::base
