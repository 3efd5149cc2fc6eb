// Conditions: test, [ and [[. Source: POSIX.1-2017, "test"; Bash Reference Manual, 6.4.
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

constexpr int kUnknown = -1;
constexpr int kError = 2;

int negated(int status) { return status < 0 ? status : (status == 0 ? 1 : 0); }
int both(int a, int b) {
  if (a > 0 || b > 0) return 1;
  return a < 0 || b < 0 ? kUnknown : 0;
}
int either(int a, int b) {
  if (a == 0 || b == 0) return 0;
  return a < 0 || b < 0 ? kUnknown : 1;
}

std::optional<long long> integer(const Value& value) {
  std::string_view text = base::trim(value.text);
  const bool negative = text.starts_with("-");
  if (negative || text.starts_with("+")) text.remove_prefix(1);
  const auto number = base::parse_number(text);
  if (!value.known || !number || *number > 0x7FFFFFFFFFFFFFFF) return std::nullopt;
  return negative ? -static_cast<long long>(*number) : static_cast<long long>(*number);
}

// -eq and its like; -2: it is not one of them.
int compare(std::string_view operation, const Value& left, const Value& right) {
  constexpr std::string_view kNames = "-eq-ne-lt-le-gt-ge";
  for (int at = 0; at < 6; ++at) {
    if (operation != kNames.substr(static_cast<std::size_t>(at) * 3, 3)) continue;
    const auto a = integer(left);
    const auto b = integer(right);
    if (!left.known || !right.known) return kUnknown;
    if (!a || !b) return kError;
    const bool truth[] = {*a == *b, *a != *b, *a<*b, *a <= *b, *a> * b, *a >= *b};
    return truth[at] ? 0 : 1;
  }
  return -2;
}

bool is_binary(const Value& word) {
  return word.known && has_word("= == != -eq -ne -lt -le -gt -ge -nt -ot -ef < >", word.text);
}

bool is_unary(std::string_view word) {
  return word.size() == 2 && word[0] == '-' &&
         std::string_view("zneafdrswxLhbcpSugkOGNtv").find(word[1]) != std::string_view::npos;
}

}  // namespace

// -z word, -f word, …
int Interpreter::unary_test(char operation, const Value& word) {
  if (operation == 'z' || operation == 'n') {
    if (!word.known && !word.surely_not_empty()) return kUnknown;
    return word.surely_not_empty() == (operation == 'n') ? 0 : 1;
  }
  if (!word.known) return kUnknown;
  if (operation == 'v') {
    const auto set = is_name(word.text) ? is_set(word.text) : std::nullopt;
    return set ? (*set ? 0 : 1) : kUnknown;
  }
  return static_cast<int>(file_test(operation, word.text));
}

int Interpreter::binary_test(const Value& left, std::string_view operation, const Value& right) {
  if (operation == "=" || operation == "==" || operation == "!=") {
    int same = kUnknown;
    if (left.known && right.known) same = left.text == right.text ? 0 : 1;
    // One is known to be empty and the other not to be.
    else if ((left.known && left.text.empty() && right.surely_not_empty()) ||
             (right.known && right.text.empty() && left.surely_not_empty()))
      same = 1;
    return operation == "!=" ? negated(same) : same;
  }
  const int result = compare(operation, left, right);
  return result == -2 ? kUnknown : result;
}

// `test` by the number of its arguments; more than four, with -a and -o, as the classic shells do.
int Interpreter::test(const Value* words, std::size_t count) {
  const auto is = [&](std::size_t at, std::string_view text) {
    return at < count && words[at].known && words[at].text == text;
  };
  if (count == 0) return 1;
  if (count == 1) return unary_test('n', words[0]);
  // With something unknown for an operator nothing is known.
  if (count == 2) {
    if (!words[0].known) return kUnknown;
    if (is(0, "!")) return negated(test(words + 1, 1));
    return is_unary(words[0].text) ? unary_test(words[0].text[1], words[1]) : kError;
  }
  if (count == 3) {
    if (!words[1].known) return kUnknown;
    if (is_binary(words[1])) return binary_test(words[0], words[1].text, words[2]);
    if (is(1, "-a")) return both(test(words, 1), test(words + 2, 1));
    if (is(1, "-o")) return either(test(words, 1), test(words + 2, 1));
    if (is(0, "!")) return negated(test(words + 1, 2));
    if (is(0, "(") && is(2, ")")) return test(words + 1, 1);
    return words[0].known ? kError : kUnknown;
  }
  if (count == 4 && is(0, "!")) return negated(test(words + 1, 3));
  for (std::size_t at = 0; at < count; ++at) {
    if (is(at, "(") || is(at, ")") || (!words[at].known && at % 4 == 0)) return kUnknown;
  }
  // primary { (-a | -o) primary }, -a binding closer.
  int any = 1;
  int all = 0;
  std::size_t at = 0;
  for (;;) {
    bool inverted = false;
    for (; is(at, "!"); ++at) inverted = !inverted;
    std::size_t size = 1;
    if (at + 2 < count && is_binary(words[at + 1])) size = 3;
    else if (at + 1 < count && words[at].known && is_unary(words[at].text) && !is(at + 1, "-a") &&
             !is(at + 1, "-o"))
      size = 2;
    if (at + size > count) return kUnknown;
    const int one = test(words + at, size);
    if (one == kError) return kUnknown;
    all = both(all, inverted ? negated(one) : one);
    at += size;
    if (at == count) return either(any, all);
    if (is(at, "-o")) {
      any = either(any, all);
      all = 0;
    } else if (!is(at, "-a")) {
      return kUnknown;
    }
    if (++at == count) return kUnknown;
  }
}

void Interpreter::test_command(const Words& arguments, bool bracket) {
  std::size_t count = arguments.words.size() - 1;
  if (!arguments.exact) return status(kUnknown);
  if (bracket) {
    const auto& last = arguments.words.back();
    if (count == 0 || !last.known || last.text != "]")
      return status(last.known ? kError : kUnknown);
    --count;
  }
  status(test(arguments.words.data() + 1, count));
}

// [[ … ]]: or { && not }.
int Interpreter::condition_or(const Node& node, std::size_t& at, bool evaluate) {
  Nesting nesting_here(*this);
  const auto is = [&](std::string_view text) {
    return at < node.words.size() && node.words[at] == text;
  };
  int any = 1;
  for (;;) {
    int all = 0;
    for (;;) {
      bool inverted = false;
      for (; is("!"); ++at) inverted = !inverted;
      const int one = condition_primary(node, at, evaluate && all != 1 && any != 0);
      if (!going()) return kUnknown;
      all = both(all, inverted ? negated(one) : one);
      if (!is("&&")) break;
      ++at;
    }
    any = either(any, all);
    if (!is("||")) return any;
    ++at;
  }
}

int Interpreter::condition_primary(const Node& node, std::size_t& at, bool evaluate) {
  const auto& words = node.words;
  const auto is = [&](std::size_t where, std::string_view text) {
    return where < words.size() && words[where] == text;
  };
  const auto is_end = [&](std::size_t where) {
    return where >= words.size() || words[where] == "&&" || words[where] == "||" ||
           words[where] == ")";
  };
  if (at >= words.size()) {
    unclear("a `[[`");
    return kUnknown;
  }
  if (is(at, "(")) {
    const int inside = condition_or(node, ++at, evaluate);
    if (!is(at, ")")) unclear("a `[[`");
    ++at;
    return inside;
  }
  if (is_unary(words[at]) && !is_end(at + 1) && is_end(at + 2)) {
    at += 2;
    return evaluate ? unary_test(words[at - 2][1], expand_one(words[at - 1])) : kUnknown;
  }
  if (is_end(at + 1)) return evaluate ? unary_test('n', expand_one(words[at++])) : (++at, kUnknown);
  const std::string& operation = words[at + 1];
  if (is_end(at + 2)) unclear("a `[[`");
  at += 3;
  if (!evaluate || !going()) return kUnknown;
  const Value left = expand_one(words[at - 3]);
  const std::string& raw = words[at - 1];
  if (operation == "=" || operation == "==" || operation == "!=") {
    if (raw.find('(') != std::string::npos && raw.find("$(") == std::string::npos)
      return kUnknown;  // an extended pattern
    const Value pattern = expand_pattern(raw);
    std::optional<bool> hit;
    if (left.known && pattern.known) hit = matches(pattern.text, left.text);
    if (pattern.known && pattern.text.empty() && left.surely_not_empty()) hit = false;
    const int same = hit ? (*hit ? 0 : 1) : kUnknown;
    return operation == "!=" ? negated(same) : same;
  }
  if (operation == "=~" || operation == "<" || operation == ">" || operation == "-nt" ||
      operation == "-ot" || operation == "-ef") {
    if (operation == "=~") set("BASH_REMATCH", unknown_value());
    return kUnknown;
  }
  // Each side of -eq is arithmetic.
  const Value right = expand_one(raw);
  const int result = compare(operation, left, right);
  if (result == -2) unclear("a `[[`");
  return result == kError ? kUnknown : result;
}

void Interpreter::condition(const Node& node) {
  std::size_t at = 0;
  const int result = condition_or(node, at, true);
  if (at < node.words.size()) unclear("a `[[`");
  status(result);
}

}  // namespace gpuinit::image::shell
