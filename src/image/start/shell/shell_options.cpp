// set, with its options and parameters, and trap.
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

bool Interpreter::set_option(std::string_view name, bool on) {
  struct Known {
    char letter;
    std::string_view name;
    unsigned bit;
  };
  static constexpr Known kKnown[] = {{'e', "errexit", kErrExit},
                                     {'u', "nounset", kNoUnset},
                                     {'a', "allexport", kAllExport},
                                     {'f', "noglob", kNoGlob},
                                     {' ', "pipefail", kPipeFail},
                                     {'x', "xtrace", kOtherFlags},
                                     {'v', "verbose", kOtherFlags << 1U},
                                     {'b', "notify", kOtherFlags << 2U},
                                     {'h', "hashall", 0},
                                     {'m', "monitor", kOtherFlags << 3U},
                                     {'B', "braceexpand", 0},
                                     {'E', "errtrace", kOtherFlags << 4U},
                                     {'T', "functrace", kOtherFlags << 5U},
                                     {'H', "histexpand", 0}};
  for (const auto& known : kKnown) {
    if (name != known.name && name != std::string_view(&known.letter, 1)) continue;
    if ((known.letter == 'B' || known.letter == 'h' || known.letter == 'H') && !on) return false;
    if (!bash() && std::string_view(" hBETH").find(known.letter) != std::string_view::npos)
      return false;
    if (on) state.options |= known.bit;
    else state.options &= ~known.bit;
    return true;
  }
  return false;
}

void Interpreter::set_options(const Words& words) {
  const auto& all = words.words;
  if (all.size() == 1 && words.exact) {
    print_unknown();
    return status(0);
  }
  std::size_t at = 1;
  bool parameters = false;
  for (; at < all.size(); ++at) {
    const std::string& word = all[at].text;
    if (word == "--") {
      ++at;
      parameters = true;
      break;
    }
    if (!all[at].known || word.size() < 2 || (word[0] != '-' && word[0] != '+')) {
      if (!all[at].known || word == "-" || word == "+")
        return unclear("`set` of something unknown");
      parameters = true;
      break;
    }
    for (const char letter : word.substr(1)) {
      bool understood = false;
      if (letter == 'o') {
        if (at + 1 == all.size()) {
          print_unknown();
          return status(0);
        }
        ++at;
        understood =
            all[at].known && all[at].text.size() > 1 && set_option(all[at].text, word[0] == '-');
      } else {
        understood = set_option(std::string(1, letter), word[0] == '-');
      }
      if (!understood) return unclear("`set %`", word);
    }
  }
  status(0);
  if (!parameters) {
    if (!words.exact) unclear("`set` of something unknown");
    return;
  }
  state.parameters.clear();
  state.parameters_unknown.clear();
  for (; at < all.size(); ++at) {
    state.parameters.push_back(all[at].text);
    if (!all[at].known) state.parameters_unknown = place();
  }
  if (!words.exact) state.parameters_unknown = place();
}

void Interpreter::set_trap(const Words& words) {
  const auto& all = words.words;
  std::size_t at = 1;
  if (all.size() > 1 && all[1].known && all[1].text == "--") ++at;
  status(0);
  if (!words.exact) return unclear("`trap` of something unknown");
  if (all.size() <= at + 1) return print_unknown();
  const bool removes = all[at].known && (all[at].text == "-" || all[at].text.empty());
  for (std::size_t i = at + 1; i < all.size(); ++i) {
    const std::string& signal = all[i].text;
    if (!all[i].known) return unclear("`trap` of something unknown");
    if (signal == "EXIT" || signal == "0") {
      if (!all[at].known) return unclear("`trap` of something unknown");
      state.exit_trap = removes ? "" : all[at].text;
    } else if (!removes && (signal == "ERR" || signal == "DEBUG" || signal == "RETURN")) {
      return unclear("a `trap` on %", signal);
    }
  }
}

}  // namespace gpuinit::image::shell
