// The directory of everything that the tests fetch or make once for a machine.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace gpuinit::test {

// As tests/inputs/fetch.py has it: a variable that is set but empty counts as not set.
inline std::filesystem::path inputs() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view(value != nullptr ? value : "");
  };
  if (const auto set = variable("GPUINIT_TESTS_CACHE"); !set.empty()) return set;
  if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty())
    return std::filesystem::path(xdg) / "gpuinit-tests";
  const auto home = variable("HOME");
  return std::filesystem::path(home.empty() ? "/root" : home) / ".cache/gpuinit-tests";
}

}  // namespace gpuinit::test
