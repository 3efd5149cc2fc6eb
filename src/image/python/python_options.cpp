#include "image/python/python_options.h"

#include <string_view>

namespace gpuinit::image {

namespace {

constexpr std::string_view kWithValue = "WXQ";  // besides c and m, which end the options

}  // namespace

PythonOptions parse_python_options(std::span<const std::string> arguments) {
  PythonOptions options;
  options.runs = PythonOptions::Runs::kInteractive;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string_view word = arguments[at];
    if (word == "--") {
      ++at;
      if (at >= arguments.size()) return options;
    } else if (word.starts_with("--")) {
      if (word == "--check-hash-based-pycs") {
        ++at;  // has a value
        continue;
      }
      options.runs = PythonOptions::Runs::kNothing;  // --help, --version and their kind
      return options;
    }
    options.rest = at + 1;
    if (arguments[at] == "-") return options;
    if (word == "--" || word.empty() || word[0] != '-') {
      options.runs = PythonOptions::Runs::kScript;
      options.program = arguments[at];
      return options;
    }
    for (std::size_t letter = 1; letter < word.size(); ++letter) {
      const char option = word[letter];
      if (option == 'c' || option == 'm') {
        options.runs = option == 'c' ? PythonOptions::Runs::kCommand : PythonOptions::Runs::kModule;
        if (letter + 1 < word.size()) options.program = word.substr(letter + 1);
        else if (++at < arguments.size()) options.program = arguments[at];
        options.rest = at + 1;
        return options;
      }
      if (kWithValue.find(option) != std::string_view::npos) {
        if (letter + 1 == word.size()) ++at;  // the value is the next word
        break;
      }
      switch (option) {
        case 'I':
          options.isolated = options.ignore_environment = options.no_user_site = options.safe_path =
              true;
          break;
        case 'E':
          options.ignore_environment = true;
          break;
        case 's':
          options.no_user_site = true;
          break;
        case 'P':
          options.safe_path = true;
          break;
        case 'S':
          options.no_site = true;
          break;
        case 'h':
        case '?':
        case 'V':
          options.runs = PythonOptions::Runs::kNothing;
          return options;
        default:
          break;
      }
    }
  }
  return options;
}

}  // namespace gpuinit::image
