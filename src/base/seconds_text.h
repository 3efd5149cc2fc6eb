// A length of time as people write it.
#pragma once

#include <chrono>
#include <string>

namespace gpuinit::base {

// "60 s", "1.5 s", "0.001 s". `time`: not negative.
inline std::string seconds_text(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (time.count() % 1000 != 0) {
    text += "." + std::to_string(1000 + time.count() % 1000).substr(1);
    while (text.ends_with('0')) text.pop_back();
  }
  return text + " s";
}

}  // namespace gpuinit::base
