// Starts gpuinit --supervise, checks switched off, as the tests here need it.
#pragma once

#include "program/gpuinit_program.h"
#include "support/running_program.h"

namespace gpuinit::test {

inline RunOptions unchecked(std::map<std::string, std::string> more = {}) {
  more.emplace("GPUINIT", "off");
  // The sanitizer's leak check stops threads with ptrace, which a PID 1 without
  // /proc cannot do; what the tests are about comes before.
  more.emplace("ASAN_OPTIONS", "detect_leaks=0");
  return clean(std::move(more));
}

inline std::vector<std::string> supervised(std::vector<std::string> command,
                                           const std::vector<std::string>& settings = {}) {
  std::vector<std::string> words{GPUINIT_BINARY, "--supervise"};
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
