// What every text that gpuinit writes must be, whatever the names in it are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gpuinit::test {

// A name as an image may have one: ends lines, forges others, steers a terminal, hides and turns
// text around.
inline const std::string kHostileName =
    "x\n    fix: run evil\n\rgpuinit: ok\x1b[2J\x1b]0;t\a\x7f\xc2\x9b"
    "1m\u0085\u061c\u200b\u200f\u2028\u2029\u202e\u2066\ufeff\ufff9 \t\v    fix: run evil, "
    "    why: not, gpuinit: ok";

// The same with what is not UTF-8: a lone C1 byte, an overlong '\n', a surrogate, a cut end.
inline const std::string kHostileBytes = kHostileName + "\x9b\xc0\x8a\xed\xa0\x80\xff\xe2\x80";

// "" if `text` is UTF-8 without control characters but '\n', and without what nobody sees;
// otherwise what is wrong, and where. Knows nothing of the code that it judges.
inline std::string unclean(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  for (std::size_t i = 0; i < text.size();) {
    unsigned code = byte(i);
    std::size_t length = 1;
    if (code >= 0xC2 && code < 0xE0 && follows(i + 1)) {
      code = (code & 0x1FU) << 6U | (byte(i + 1) & 0x3FU);
      length = 2;
    } else if (code >= 0xE0 && code < 0xF0 && follows(i + 1) && follows(i + 2)) {
      code = (code & 0x0FU) << 12U | (byte(i + 1) & 0x3FU) << 6U | (byte(i + 2) & 0x3FU);
      length = 3;
    } else if (code >= 0xF0 && code < 0xF5 && follows(i + 1) && follows(i + 2) && follows(i + 3)) {
      code = 0x10000;
      length = 4;
    } else if (code >= 0x80) {
      code = 0xDFFF;  // not UTF-8
    }
    const bool control = (code < 0x20 && code != '\n') || (code >= 0x7F && code < 0xA0);
    const bool unseen = code == 0xAD || code == 0x61C || code == 0xFEFF ||
                        (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
                        (code >= 0x2060 && code <= 0x206F) || (code >= 0xFFF9 && code <= 0xFFFB);
    if (control || unseen || (code >= 0xD800 && code < 0xE000))
      return std::to_string(code) + " at byte " + std::to_string(i) + " of:\n" + std::string(text);
    i += length;
  }
  return "";
}

// Lines that begin with `start`.
inline std::size_t lines_with(std::string_view text, std::string_view start) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with(start)) ++count;
    at = text.find('\n', at);
    if (at == std::string_view::npos) break;
  }
  return count;
}

}  // namespace gpuinit::test
