#include "report/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "gpuinit/exit_codes.h"
#include "report/layout.h"

namespace gpuinit::report {
namespace {

using testing::HasSubstr;

constexpr CheckInfo kAbi{
    .id = "python.abi",
    .exit_codes = "65",
    .title = "torch was compiled for this interpreter",
    .looks_at = "SOABI of both.",
    .why = "ModuleNotFoundError: No module named 'torch._C'.",
    .fix = "Install the right wheel. Or use the right Python.",
    .source = "PEP 3149",
};
constexpr CheckInfo kPresent{
    .id = "device.present",
    .exit_codes = "69 or 77",
    .title = "devices are there",
    .looks_at = "a",
    .why = "b",
    .fix = "c",
};

TEST(Explain, ACheckIsTitleSectionsAndSource) {
  EXPECT_EQ(explain_check(kAbi, kUnbroken), R"(python.abi: torch was compiled for this interpreter
exit code when it fails: 65

What it looks at
  SOABI of both.

Why it matters
  ModuleNotFoundError: No module named 'torch._C'.

How to fix it
  Install the right wheel. Or use the right Python.

Where the rule is from
  PEP 3149

How to change it
  --set checks.python.abi=warn, or =off; see --print-policy
)");
}

TEST(Explain, ACheckWithoutSourceHasNoSuchSection) {
  EXPECT_THAT(explain_check(kPresent, kUnbroken),
              testing::Not(HasSubstr("Where the rule is from")));
}

TEST(Explain, TheCatalogueIsOneAlignedLinePerCheck) {
  const CheckInfo checks[] = {kAbi, kPresent};
  EXPECT_EQ(explain_catalogue(checks, kUnbroken), R"(check           exit      fails when
python.abi      65        torch was compiled for this interpreter
device.present  69 or 77  devices are there

gpuinit --explain ID says more about one; gpuinit --explain exit-codes has the exit codes.
)");
}

TEST(Explain, TheExitCodesAreAllInOneTable) {
  const auto text = explain_exit_codes(kUnbroken);
  for (const auto& info : kExitCodes) {
    EXPECT_THAT(text, HasSubstr(std::string(info.name) + " "));
    EXPECT_THAT(text, HasSubstr(std::string(info.meaning)));
    EXPECT_THAT(text, HasSubstr(std::string(info.retry) + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("\n65     image "));
  EXPECT_THAT(text, HasSubstr("\n128+n  signal "));
}

TEST(Explain, IsAsWideAsTheTerminal) {
  const CheckInfo checks[] = {kAbi, kPresent};
  for (const std::size_t width : {40U, 60U, 80U, 120U})
    for (const std::string& text :
         {explain_check(kAbi, width), explain_catalogue(checks, width), explain_exit_codes(width)})
      for (const auto line : base::split_lines(text)) EXPECT_LE(columns(line), width) << text;
  EXPECT_THAT(explain_catalogue(checks, 40),
              HasSubstr("device.present  69 or 77\n    devices are there\n"));
  EXPECT_THAT(explain_exit_codes(60),
              HasSubstr("\n65     image           the image contradicts itself\n"
                        "                       never: rebuild the image\n"));
}

TEST(Explain, TheJsonVariantsCarryTheSame) {
  const CheckInfo checks[] = {kAbi, kPresent};
  const auto catalogue = explain_catalogue_json(checks).front().second;
  ASSERT_EQ(catalogue.as_array()->size(), 2U);
  const auto& abi = catalogue.as_array()->front();
  EXPECT_EQ(*abi.find("id")->as_string(), "python.abi");
  EXPECT_EQ(*abi.find("exit_codes")->as_string(), "65");
  EXPECT_EQ(*abi.find("fix")->as_string(), kAbi.fix);
  const auto codes = explain_exit_codes_json().front().second;
  ASSERT_EQ(codes.as_array()->size(), kExitCodes.size());
  EXPECT_EQ(*codes.as_array()->at(2).find("name")->as_string(), "image");
}

}  // namespace
}  // namespace gpuinit::report
