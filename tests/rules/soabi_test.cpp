#include "rules/soabi.h"

#include <gtest/gtest.h>

namespace gpuinit::rules {
namespace {

TEST(PythonAbi, TakesASoabiApart) {
  const auto abi = parse_soabi("cpython-313td-aarch64-linux-gnu");
  ASSERT_TRUE(abi);
  EXPECT_EQ(abi->major, 3U);
  EXPECT_EQ(abi->minor, 13U);
  EXPECT_TRUE(abi->free_threaded);
  EXPECT_TRUE(abi->debug);
  EXPECT_EQ(abi->platform, "aarch64-linux-gnu");
  EXPECT_EQ(abi->words(), "free-threaded debug CPython 3.13");
  EXPECT_EQ(abi->wheel_tag(), "cp313t");
  EXPECT_EQ(parse_soabi("cpython-39-x86_64-linux-gnu")->minor, 9U);
  EXPECT_EQ(parse_soabi("cpython-37m-x86_64-linux-gnu")->wheel_tag(), "cp37m");
  EXPECT_EQ(parse_soabi("cpython-312")->platform, "");
}

TEST(PythonAbi, LeavesAloneWhatItDoesNotKnow) {
  for (const char* text :
       {"", "cpython-", "cpython-3", "cpython-3x", "pypy310-pp73-x86_64-linux-gnu", "cpython-31234",
        "cpython-312T", "cp312", "abi3"})
    EXPECT_FALSE(parse_soabi(text)) << text;
  EXPECT_EQ(soabi_words("cpython-312-x86_64-linux-gnu"), "CPython 3.12");
  EXPECT_EQ(soabi_words("pypy310-pp73"), "pypy310-pp73");
}

struct Case {
  const char* interpreter;
  const char* extension;
  Tristate imports;
};

TEST(PythonAbi, AnInterpreterImportsItsOwnExtensions) {
  const Case cases[] = {
      {"cpython-312-x86_64-linux-gnu", "cpython-312-x86_64-linux-gnu", Tristate::kYes},
      {"cpython-312-x86_64-linux-gnu", "cpython-310-x86_64-linux-gnu", Tristate::kNo},
      {"cpython-313t-x86_64-linux-gnu", "cpython-313-x86_64-linux-gnu", Tristate::kNo},
      {"cpython-313-x86_64-linux-gnu", "cpython-313t-x86_64-linux-gnu", Tristate::kNo},
      {"cpython-312-x86_64-linux-gnu", "cpython-312-aarch64-linux-gnu", Tristate::kNo},
      {"cpython-312-x86_64-linux-musl", "cpython-312-x86_64-linux-gnu", Tristate::kNo},
      // A debug build takes release builds since 3.8, a release build no debug builds.
      {"cpython-311d-x86_64-linux-gnu", "cpython-311-x86_64-linux-gnu", Tristate::kYes},
      {"cpython-313td-x86_64-linux-gnu", "cpython-313t-x86_64-linux-gnu", Tristate::kYes},
      {"cpython-311-x86_64-linux-gnu", "cpython-311d-x86_64-linux-gnu", Tristate::kNo},
      {"cpython-37dm-x86_64-linux-gnu", "cpython-37m-x86_64-linux-gnu", Tristate::kNo},
      // Untagged and stable-ABI names.
      {"cpython-312-x86_64-linux-gnu", "", Tristate::kYes},
      {"cpython-312-x86_64-linux-gnu", "abi3", Tristate::kYes},
      {"cpython-313t-x86_64-linux-gnu", "abi3", Tristate::kUnknown},
      // No ground for a verdict.
      {"cpython-312", "cpython-312-x86_64-linux-gnu", Tristate::kUnknown},
      {"cpython-312", "cpython-310-x86_64-linux-gnu", Tristate::kNo},
      {"pypy310-pp73-x86_64-linux-gnu", "cpython-310-x86_64-linux-gnu", Tristate::kUnknown},
      {"cpython-312-x86_64-linux-gnu", "something", Tristate::kUnknown},
  };
  for (const auto& [interpreter, extension, imports] : cases)
    EXPECT_EQ(imports_extension(interpreter, extension), imports)
        << interpreter << " " << extension;
}

}  // namespace
}  // namespace gpuinit::rules
