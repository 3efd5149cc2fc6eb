#include "rules/python_requirement.h"

#include <gtest/gtest.h>

#include <string>

#include "packaging_table.h"

namespace gpuinit::rules {
namespace {

PythonRequirement parse(std::string_view text) {
  const auto requirement = parse_python_requirement(text);
  EXPECT_TRUE(requirement.has_value()) << text;
  return requirement.value_or(PythonRequirement{});
}

TEST(PythonRequirement, InTheSpellingsOfRealWheels) {
  auto requirement = parse("torch==2.8.0");
  EXPECT_EQ(requirement.name, "torch");
  EXPECT_EQ(requirement.specifiers, "==2.8.0");
  EXPECT_EQ(requirement.marker, "");

  requirement = parse("nvidia-cublas_cu12 (==12.4.5.8) ; platform_system == \"Linux\"");
  EXPECT_EQ(requirement.name, "nvidia-cublas-cu12");
  EXPECT_EQ(requirement.specifiers, "==12.4.5.8");
  EXPECT_EQ(requirement.marker, "platform_system == \"Linux\"");

  requirement = parse("cuda-toolkit[cublas,cudart]==13.2.2; platform_system == 'Linux'");
  EXPECT_EQ(requirement.extras, "cublas,cudart");
  EXPECT_EQ(requirement.specifiers, "==13.2.2");

  requirement = parse("torch @ https://example.org/torch;x=1.whl ; extra == 'gpu'");
  EXPECT_EQ(requirement.url, "https://example.org/torch;x=1.whl");
  EXPECT_EQ(requirement.marker, "extra == 'gpu'");
  EXPECT_EQ(parse("numpy").specifiers, "");
  EXPECT_EQ(parse("numpy<2.7,>=1.23.5").specifiers, "<2.7,>=1.23.5");
}

TEST(PythonRequirement, WhatIsNoneIsNone) {
  for (const char* text : {"", " ", "==2", "[x]", "a[b", "a (>=1", "(a)"})
    EXPECT_FALSE(parse_python_requirement(text)) << text;
  EXPECT_FALSE(parse_python_requirement(std::string(100'000, 'a')));
}

TEST(PythonMarker, HoldsAsPackagingSays) {
  const auto variables = linux_markers("3.12.4", "x86_64");
  for (const auto& row : packaging_table::kMarkers)
    EXPECT_EQ(holds_marker(row.marker, variables), row.holds ? Tristate::kYes : Tristate::kNo)
        << row.marker;
}

TEST(PythonMarker, WhatIsNotKnownIsUnknown) {
  const auto variables = linux_markers("3.12", "");
  EXPECT_EQ(holds_marker("", variables), Tristate::kYes);
  for (const char* marker :
       {"platform_machine == 'x86_64'", "python_full_version < '3.12.1'", "platform_release > '5'",
        "python_version", "python_version >=", "'a", "python_version >= '3.8' and",
        "python_version >= '3.8')", "((python_version >= '3.8')", "sys_platform < 'z'",
        "python_version >= 'soon'", "sys_platform = 'linux'", "python_version >= '3.8' xor 'a'"})
    EXPECT_EQ(holds_marker(marker, variables), Tristate::kUnknown) << marker;
  // One side decides.
  EXPECT_EQ(holds_marker("platform_release > '5' and sys_platform == 'win32'", variables),
            Tristate::kNo);
  EXPECT_EQ(holds_marker("platform_release > '5' or sys_platform == 'linux'", variables),
            Tristate::kYes);
  EXPECT_EQ(
      holds_marker(std::string(1000, '(') + "sys_platform == 'linux'" + std::string(1000, ')'),
                   variables),
      Tristate::kUnknown);
  EXPECT_EQ(holds_marker("python_version >= '3.8'", linux_markers("", "")), Tristate::kUnknown);
}

TEST(PythonMarker, AnExtraThatWasAskedFor) {
  auto variables = linux_markers("3.14.0", "x86_64");
  EXPECT_EQ(holds_marker("extra == 'cublas'", variables), Tristate::kNo);
  variables["extra"] = "cu_blas";
  EXPECT_EQ(holds_marker("extra == \"Cu-Blas\"", variables), Tristate::kYes);
}

}  // namespace
}  // namespace gpuinit::rules
