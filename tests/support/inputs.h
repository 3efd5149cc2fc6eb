// What tests/inputs/fetch.py has fetched, and the programs that know more of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "support/inputs_cache.h"
#include "support/run_program.h"

namespace gpuinit::test {

// Names in `directory`, sorted; empty and a failure if there is none.
inline std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> result;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(directory, problem))
    result.push_back(entry.path());
  EXPECT_FALSE(result.empty()) << directory << ": run tests/inputs/fetch.py";
  std::sort(result.begin(), result.end());
  return result;
}

// A program's output in one locale; fails the test if it cannot be run.
inline std::string output_of(const std::vector<std::string>& argv) {
  RunOptions options;
  options.environment["LC_ALL"] = "C";
  const auto ran = run_program(argv, options);
  EXPECT_EQ(ran.exit_code, 0) << argv[0] << ": " << ran.err;
  return ran.out;
}

// The programs of python/3.x, "python3.12" and the like.
inline std::vector<std::filesystem::path> interpreters() {
  std::vector<std::filesystem::path> result;
  for (const auto& python : entries_of(inputs() / "python"))
    for (const char* place : {"usr/bin", "usr/local/bin"}) {
      const auto program = python / place / ("python" + python.filename().string());
      if (std::filesystem::exists(program)) result.push_back(program);
    }
  return result;
}

}  // namespace gpuinit::test
