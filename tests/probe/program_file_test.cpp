// The built probe as a file: what it needs from an image.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "probe/child/embedded_files.h"

namespace gpuinit::probe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), got);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return output;
}

std::set<std::string> all_matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
    found.insert((*it)[1]);
  return found;
}

TEST(ProbeFile, NeedsLibcAndLibdlOnly) {
  const auto dynamic = output_of("readelf -dW " GPUINIT_CUDA_PROBE_PROGRAM);
  EXPECT_THAT(all_matches(dynamic, R"(\(NEEDED\) +Shared library: \[([^\]]+)\])"),
              ElementsAre("libc.so.6", "libdl.so.2"));
  EXPECT_THAT(dynamic, Not(HasSubstr("PATH")));  // neither RPATH nor RUNPATH
  EXPECT_THAT(dynamic, Not(HasSubstr("INIT_ARRAY")));
}

TEST(ProbeFile, RunsOnGlibc217) {
  const auto versions =
      all_matches(output_of("readelf -VW " GPUINIT_CUDA_PROBE_PROGRAM), R"(Name: (\S+))");
#if defined(__x86_64__)
  EXPECT_THAT(versions, ElementsAre("GLIBC_2.17", "GLIBC_2.2.5"));
#else
  EXPECT_THAT(versions, ElementsAre("GLIBC_2.17"));
#endif
}

TEST(ProbeFile, IsHardenedAndSmall) {
  const auto segments = output_of("readelf -lW " GPUINIT_CUDA_PROBE_PROGRAM);
  EXPECT_THAT(segments, HasSubstr("Elf file type is DYN"));
  EXPECT_THAT(segments, HasSubstr("GNU_RELRO"));
  EXPECT_THAT(segments, testing::ContainsRegex("GNU_STACK +0x0+ 0x0+ 0x0+ 0x0+ 0x0+ RW "));
  EXPECT_LT(embedded_cuda_probe().size(), 24U * 1024);
}

TEST(ProbeFile, TheEmbeddedCopyIsTheBuiltProgram) {
  std::ifstream file(GPUINIT_CUDA_PROBE_PROGRAM, std::ios::binary);
  const std::string built{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(built.empty());
  EXPECT_TRUE(embedded_cuda_probe() == built);
}

}  // namespace
}  // namespace gpuinit::probe
