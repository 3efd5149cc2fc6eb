// The commands that shells have built in.
// Source: POSIX.1-2017, XCU 2.14 and 4; Bash Reference Manual, 4; dash(1).
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

using Truth = Interpreter::Truth;

enum class Does : unsigned char {
  kNothing,    // status 0
  kSomething,  // that does not matter; its status is unknown
  kFalse,
  kEcho,
  kPrintf,
  kTest,
  kBracket,
  kCd,
  kPwd,
  kExit,
  kReturn,
  kBreak,
  kContinue,
  kSet,
  kShift,
  kUnset,
  kEval,
  kSource,
  kExec,
  kTrap,
  kCommand,
  kBuiltin,
  kType,
  kRead,
  kMapfile,
  kGetopts,
  kLet,
  kShopt,
  kAlias,
  kHash,
  kUnclear,
};

struct Builtins {
  Does does;
  bool only_bash;
  const char* names;
};

constexpr Builtins kBuiltins[] = {
    {Does::kNothing, false, ": true umask times"},
    {Does::kFalse, false, "false"},
    {Does::kEcho, false, "echo"},
    {Does::kPrintf, false, "printf"},
    {Does::kTest, false, "test"},
    {Does::kBracket, false, "["},
    {Does::kCd, false, "cd"},
    {Does::kPwd, false, "pwd"},
    {Does::kExit, false, "exit"},
    {Does::kReturn, false, "return"},
    {Does::kBreak, false, "break"},
    {Does::kContinue, false, "continue"},
    {Does::kSet, false, "set"},
    {Does::kShift, false, "shift"},
    {Does::kUnset, false, "unset"},
    {Does::kEval, false, "eval"},
    {Does::kSource, false, "."},
    {Does::kSource, true, "source"},
    {Does::kExec, false, "exec"},
    {Does::kTrap, false, "trap"},
    {Does::kCommand, false, "command"},
    {Does::kBuiltin, true, "builtin"},
    {Does::kType, false, "type"},
    {Does::kRead, false, "read"},
    {Does::kMapfile, true, "mapfile readarray"},
    {Does::kGetopts, false, "getopts"},
    {Does::kLet, true, "let"},
    {Does::kShopt, true, "shopt"},
    {Does::kAlias, false, "alias"},
    {Does::kSomething, false, "unalias ulimit wait jobs"},
    {Does::kHash, false, "hash"},
    {Does::kSomething, true, "disown caller history bind complete compgen compopt dirs help"},
    {Does::kUnclear, false, "export readonly local kill fg bg"},
    {Does::kUnclear, true, "declare typeset pushd popd enable suspend logout fc"},
};

const Builtins* builtin_called(std::string_view name, bool bash) {
  for (const auto& each : kBuiltins)
    if ((bash || !each.only_bash) && has_word(each.names, name)) return &each;
  return nullptr;
}

}  // namespace

bool Interpreter::is_builtin(std::string_view name) const {
  return builtin_called(name, bash()) != nullptr;
}

bool Interpreter::builtin(Words& words) {
  const std::string name = words.words[0].text;
  const Builtins* found = builtin_called(name, bash());
  if (found == nullptr) {
    if (!has_word("source declare typeset let shopt function", name)) return false;
    unclear("`%` in a shell that does not have it", name);
    return true;
  }
  auto& all = words.words;
  // The one argument as a number; nullopt: unknown.
  const auto number = [&](std::uint64_t otherwise) -> std::optional<std::uint64_t> {
    if (all.size() == 1 && words.exact) return otherwise;
    if (!words.known() || all.size() > 2) return std::nullopt;
    return base::parse_number(all[1].text);
  };
  const auto last = std::exchange(state.last, nullptr);
  switch (found->does) {
    case Does::kNothing:
      if (name == ":" || name == "true") state.last = last;
      status(0);
      break;
    case Does::kSomething:
      written_unknown = written_unknown || (name == "wait" && background);
      print_unknown();
      status(-1);
      break;
    case Does::kFalse:
      status(1);
      break;
    case Does::kEcho:
      print_echo(words);
      break;
    case Does::kPrintf: {
      std::string text;
      const bool to_variable = bash() && all.size() > 2 && all[1].known && all[1].text == "-v";
      const bool known = format(words, to_variable ? 3 : 1, text);
      status(known ? 0 : -1);
      if (to_variable) {
        if (!all[2].known || !is_name(all[2].text)) unclear("`printf -v`");
        else set(all[2].text, known ? Value{std::move(text)} : unknown_value());
      } else if (known && !text.starts_with("-")) {
        print(text);
      } else {
        print_unknown();
      }
      break;
    }
    case Does::kTest:
    case Does::kBracket:
      test_command(words, found->does == Does::kBracket);
      break;
    case Does::kCd:
      change_directory(words);
      break;
    case Does::kPwd:
      if (all.size() == 1 && state.cwd_unknown.empty()) print(state.cwd + "\n");
      else print_unknown();
      status(0);
      break;
    case Does::kExit: {
      const auto code = number(static_cast<std::uint64_t>(std::max(state.status, 0)));
      if (all.size() > 1 || !words.exact)
        status(code && *code < 256 ? static_cast<int>(*code) : -1);
      // What ran last and was not Python is still what ran.
      state.last = last;
      end_shell();
      break;
    }
    case Does::kReturn: {
      if (function == nullptr) {
        unclear("a `return` outside of a function");
        break;
      }
      if (all.size() > 1 || !words.exact) {
        const auto code = number(0);
        status(code && *code < 256 ? static_cast<int>(*code) : -1);
      }
      leave(function->broke);
      break;
    }
    case Does::kBreak:
    case Does::kContinue:
      if (loop == nullptr || number(1) != 1U) {
        unclear("a `%`", name);
        break;
      }
      status(0);
      leave(found->does == Does::kBreak ? loop->broke : loop->continued);
      break;
    case Does::kSet:
      set_options(words);
      break;
    case Does::kShift: {
      const auto count = number(1);
      if (!count || !state.parameters_unknown.empty()) {
        state.parameters_unknown = place();
        status(-1);
      } else if (*count > state.parameters.size()) {
        if (!bash()) unclear("a `shift` too far");
        status(1);
      } else {
        state.parameters.erase(state.parameters.begin(),
                               state.parameters.begin() + static_cast<std::ptrdiff_t>(*count));
        status(0);
      }
      break;
    }
    case Does::kUnset: {
      bool functions = false;
      status(0);
      for (std::size_t at = 1; at < all.size() && going(); ++at) {
        const std::string& what = all[at].text;
        if (!words.known()) unclear("`unset` of something unknown");
        else if (what == "-f" || what == "-v") functions = what == "-f";
        else if (!is_name(what)) unclear("`unset %`", what);
        else if (functions) state.functions.erase(what);
        else {
          for (std::size_t level = 0; level + 1 < state.hidden.size(); ++level)
            if (state.hidden[level].count(what) != 0) unclear("`unset` of a caller's variable");
          const auto variable = state.variables.find(what);
          if (variable == state.variables.end()) {
            if (state.functions.count(what) != 0) unclear("`unset` of a function");
            continue;
          }
          if (variable->second.read_only) unclear("`%` is read-only", what);
          state.variables.erase(variable);
        }
      }
      if (!words.exact) unclear("`unset` of something unknown");
      break;
    }
    case Does::kEval: {
      std::string text;
      if (!words.known()) {
        unclear("`eval` of something unknown");
        break;
      }
      for (std::size_t at = 1; at < all.size(); ++at) text += (at > 1 ? " " : "") + all[at].text;
      const int here = line;
      run_text(text, source == nullptr ? argv0 : *source, here);
      line = here;
      break;
    }
    case Does::kSource:
      read_file_here(words);
      break;
    case Does::kExec:
      replace(std::move(words));
      break;
    case Does::kTrap:
      set_trap(words);
      break;
    case Does::kCommand:
      if (all.size() > 1 && all[1].known && (all[1].text == "-v" || all[1].text == "-V")) {
        describe(words, 2, all[1].text == "-v");
        break;
      }
      [[fallthrough]];
    case Does::kBuiltin: {
      if (all.size() < 2 || !all[1].known || all[1].text.starts_with("-")) {
        unclear("`%`", name);
        break;
      }
      all.erase(all.begin());
      if (!builtin(words)) {
        if (found->does == Does::kBuiltin) unclear("`builtin %`", all[0].text);
        else external(words);
      }
      break;
    }
    case Does::kType:
      describe(words, 1, false);
      break;
    case Does::kRead:
    case Does::kMapfile: {
      bool any = false;
      if (!words.known()) unclear("`%` into something unknown", name);
      for (std::size_t at = 1; at < all.size() && going(); ++at) {
        const std::string& word = all[at].text;
        if (word.starts_with("-") && !any) {
          const auto with_value = word.find_first_of("dnNptuOscC");
          if (word.find('a') != std::string::npos) continue;  // a name follows
          if (with_value != std::string::npos && with_value + 1 == word.size()) ++at;
          continue;
        }
        any = true;
        if (is_name(word)) set(word, unknown_value());
        else unclear("`%`", name);
      }
      if (!any) set(found->does == Does::kRead ? "REPLY" : "MAPFILE", unknown_value());
      status(-1);
      break;
    }
    case Does::kGetopts:
      if (!words.known() || all.size() < 3 || !is_name(all[2].text)) {
        unclear("`getopts`");
        break;
      }
      for (const auto& variable : {all[2].text, std::string("OPTARG"), std::string("OPTIND")})
        set(variable, unknown_value());
      status(-1);
      break;
    case Does::kLet:
      for (std::size_t at = 1; at < all.size() && going(); ++at) {
        if (!words.known()) {
          unclear("`let`");
          break;
        }
        const auto value = arithmetic(all[at].text);
        status(value ? (*value != 0 ? 0 : 1) : -1);
      }
      break;
    case Does::kShopt: {
      static constexpr std::string_view kNone =
          "-s -u -q checkwinsize histappend cmdhist lithist progcomp promptvars "
          "cdspell dirspell autocd huponexit hostcomplete inherit_errexit_off";
      status(0);
      for (std::size_t at = 1; at < all.size() && going(); ++at) {
        const std::string& word = all[at].text;
        const unsigned option = word == "nullglob" ? kNullGlob : word == "extglob" ? kExtGlob : 0U;
        if (words.known() && option != 0 && all[1].text == "-s") state.options |= option;
        else if (words.known() && option != 0 && all[1].text == "-u") state.options &= ~option;
        else if (words.known() && all[1].text == "-q") status(-1);
        else if (!words.known() || !has_word(kNone, word)) unclear("`shopt %`", word);
      }
      break;
    }
    case Does::kAlias:
      // Scripts have none in bash; other shells, and bash as sh, expand them.
      if ((!bash() || posix) && all.size() > 1) unclear("an alias");
      status(0);
      break;
    case Does::kHash:
      if (all.size() > 1 && all[1].text.starts_with("-") && all[1].text != "-r") unclear("`hash`");
      print_unknown();
      status(all.size() == 2 && all[1].known && all[1].text == "-r" ? 0 : -1);
      break;
    case Does::kUnclear:
      if (name == "kill" && all.size() > 1 && all[1].known &&
          (all[1].text == "-0" || all[1].text == "-l")) {
        print_unknown();
        status(-1);
      } else {
        unclear("`%`", name);
      }
      break;
  }
  return true;
}

void Interpreter::describe(const Words& words, std::size_t first, bool only_path) {
  if (!words.known() || first + 1 != words.words.size() ||
      words.words[first].text.starts_with("-")) {
    print_unknown();
    return status(-1);
  }
  const std::string& name = words.words[first].text;
  const bool is_command = first == 2 || !only_path;
  static constexpr std::string_view kReserved =
      "if then else elif fi do done case esac while until for { } ! in [[ function time "
      "select coproc";
  if (is_command && has_word(kReserved, name)) {
    print_unknown();
    return status(-1);
  }
  if (is_command && (is_builtin(name) || state.functions.count(name) != 0)) {
    only_path ? print(name + "\n") : print_unknown();
    return status(0);
  }
  const auto found = search(name);
  if (!found || name == "nvidia-smi") {  // the node's
    print_unknown();
    return status(-1);
  }
  if (!found->empty()) {
    if (only_path && found->starts_with("/")) print(*found + "\n");
    else print_unknown();
    return status(0);
  }
  if (!only_path) print_unknown();
  status(bash() || !is_command ? 1 : 127);
}

}  // namespace gpuinit::image::shell
