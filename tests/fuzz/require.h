// What a fuzz target holds its subject to: a broken promise is a crash.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace gpuinit::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

inline void require_printable(const std::string& message) {
  require(!message.empty(), "an error says nothing");
  for (const char c : message)
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "an error has control characters");
}

}  // namespace gpuinit::fuzz
