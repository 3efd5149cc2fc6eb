#include "base/glob.h"

#include <cstddef>

#include "base/python_name.h"

namespace gpuinit::base {

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t at = 0, in = 0;
  std::size_t star = std::string_view::npos, resume = 0;  // the last `*` and where it may go on
  while (in < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = in;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++resume;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool names_package(std::string_view pattern, std::string_view name) {
  return !name.empty() && pattern.find('/') == std::string_view::npos &&
         matches_glob(normalized_name(pattern), normalized_name(name));
}

}  // namespace gpuinit::base
