// A length of time as people write it.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace gpuinit::base {

// "60 s", "1.5 s", "0.001 s"
inline std::string seconds_text(std::chrono::milliseconds time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g s", static_cast<double>(time.count()) / 1000);
  return text;
}

}  // namespace gpuinit::base
