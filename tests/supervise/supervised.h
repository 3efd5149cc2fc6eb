// Starts gpuinit --supervise, checks switched off, as the tests here need it.
#pragma once

#include <cstdlib>

#include "checks/run_checks.h"
#include "program/gpuinit_program.h"
#include "support/running_program.h"

namespace gpuinit::test {

// The tests of this folder run a second time with every command followed from exec to exec:
// nothing else may change. CMakeLists.txt sets the variable.
inline bool commands_are_followed() { return std::getenv("GPUINIT_TESTS_FOLLOW") != nullptr; }

inline RunOptions unchecked(std::map<std::string, std::string> more = {}) {
  if (commands_are_followed()) {
    // Without a verdict there is nothing to follow for; with one that no check can fail there is.
    std::string settings = "gpu.required=no;warmup.pages=off";
    for (const auto& check : checks::catalogue())
      settings += ";checks." + std::string(check.id) + "=off";
    more.emplace("GPUINIT_SET", settings);
  } else {
    more.emplace("GPUINIT", "off");
  }
  // The sanitizer's leak check stops threads with ptrace, which a PID 1 without
  // /proc cannot do; what the tests are about comes before.
  more.emplace("ASAN_OPTIONS", "detect_leaks=0");
  return clean(std::move(more));
}

inline std::vector<std::string> supervised(std::vector<std::string> command,
                                           const std::vector<std::string>& settings = {}) {
  std::vector<std::string> words{GPUINIT_BINARY, "--supervise"};
  if (commands_are_followed()) words.emplace_back("--quiet");
  else words.insert(words.end(), {"--set", "launch.follow=off"});
  for (const auto& setting : settings) words.insert(words.end(), {"--set", setting});
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

inline std::vector<std::string> shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

// Runs it to its end.
inline Ran supervise(std::vector<std::string> command,
                     const std::vector<std::string>& settings = {},
                     const RunOptions& options = unchecked()) {
  return run_program(supervised(std::move(command), settings), options);
}

}  // namespace gpuinit::test
