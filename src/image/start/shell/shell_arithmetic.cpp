// $(( … )): integers, as far as scripts that start something use them.
// Source: POSIX.1-2017, XCU 2.6.4; C's operators.
#include <string>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

using Number = std::optional<long long>;

struct Operator {
  std::string_view text;
  int level;
};
// The longest first.
constexpr Operator kOperators[] = {{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7},
                                   {">=", 7}, {"<", 7},  {">", 7},  {"+", 9},  {"-", 9},
                                   {"*", 10}, {"/", 10}, {"%", 10}};

class Arithmetic {
 public:
  Arithmetic(Interpreter& shell, std::string_view text) : shell_(shell), text_(text) {}

  Number all() {
    const Number value = assignment();
    skip();
    if (at_ < text_.size() || (assigns_ && text_.find_first_of("&|?") != std::string_view::npos))
      failed_ = true;  // or it assigns on one side only
    return failed_ ? std::nullopt : value;
  }
  // Not understood, so that it is not known either what it assigns.
  bool failed() const { return failed_; }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  static Number wrap(unsigned long long value) { return static_cast<long long>(value); }

  Number assignment() {
    skip();
    const auto begin = at_;
    const auto end = name_end(text_, at_);
    if (end > at_) {
      const std::string name(text_.substr(at_, end - at_));
      at_ = end;
      skip();
      for (const std::string_view operation : {"+=", "-=", "*=", "=", "++", "--"}) {
        if (!text_.substr(at_).starts_with(operation) || text_.substr(at_).starts_with("=="))
          continue;
        at_ += operation.size();
        const Number old = variable(name);
        const bool step = operation[0] == operation[1 % operation.size()] && operation.size() == 2;
        const Number right = step ? Number(1) : assignment();
        if (failed_) return std::nullopt;
        Number result = operation == "=" ? right : std::nullopt;
        if (operation != "=" && old && right) result = apply(operation.substr(0, 1), *old, *right);
        assigns_ = true;
        shell_.set(name, result ? Value{std::to_string(*result)} : Value{"", false, true});
        return step ? old : result;
      }
    }
    at_ = begin;
    return conditional();
  }

  Number conditional() {
    const Number condition = binary(1);
    if (!take("?")) return condition;
    const Number yes = conditional();
    if (!take(":")) failed_ = true;
    const Number no = conditional();
    if (!condition) return std::nullopt;
    return *condition != 0 ? yes : no;
  }

  Number binary(int level) {
    if (++depth_ > 100) failed_ = true;
    Number left = failed_ ? std::nullopt : unary();
    while (!failed_) {
      skip();
      const Operator* found = nullptr;
      for (const auto& candidate : kOperators)
        if (text_.substr(at_).starts_with(candidate.text)) {
          found = &candidate;
          break;
        }
      if (found == nullptr || found->level < level) break;
      at_ += found->text.size();
      // `**`, `+=`, `<<` and such are not known.
      if (at_ < text_.size() && std::string_view("*=<>").find(text_[at_]) != std::string_view::npos)
        failed_ = true;
      const Number right = binary(found->level + 1);
      left = left && right ? apply(found->text, *left, *right) : std::nullopt;
    }
    --depth_;
    return left;
  }

  Number apply(std::string_view operation, long long left, long long right) {
    const auto a = static_cast<unsigned long long>(left);
    const auto b = static_cast<unsigned long long>(right);
    if (operation == "||") return left != 0 || right != 0;
    if (operation == "&&") return left != 0 && right != 0;
    if (operation == "==") return left == right;
    if (operation == "!=") return left != right;
    if (operation == "<=") return left <= right;
    if (operation == ">=") return left >= right;
    if (operation == "<") return left < right;
    if (operation == ">") return left > right;
    if (operation == "+") return wrap(a + b);
    if (operation == "-") return wrap(a - b);
    if (operation == "*") return wrap(a * b);
    if (right == 0 || right == -1) {
      failed_ = true;
      return std::nullopt;
    }
    return operation == "/" ? left / right : left % right;
  }

  Number unary() {
    if (++depth_ > 100) failed_ = true;
    Number value;
    if (failed_ || take("++") || take("--")) {
      failed_ = true;
    } else if (take("!")) {
      value = unary();
      if (value) value = *value == 0;
    } else if (take("-")) {
      value = unary();
      if (value) value = wrap(0ULL - static_cast<unsigned long long>(*value));
    } else if (take("+")) {
      value = unary();
    } else if (take("(")) {
      value = assignment();
      if (!take(")")) failed_ = true;
    } else {
      value = primary();
    }
    --depth_;
    return value;
  }

  Number primary() {
    skip();
    auto end = name_end(text_, at_);
    if (end > at_) {
      const std::string name(text_.substr(at_, end - at_));
      at_ = end;
      return variable(name);
    }
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
    const auto digits = text_.substr(at_, end - at_);
    at_ = end;
    return number(digits);
  }

  Number number(std::string_view digits) {
    const auto value = base::parse_number(digits);
    if (!value || *value > 0x7FFFFFFFFFFFFFFF || (digits.size() > 1 && digits[0] == '0')) {
      failed_ = true;
      return std::nullopt;
    }
    return static_cast<long long>(*value);
  }

  Number variable(const std::string& name) {
    const Value value = shell_.get(name);
    if (!value.known) return std::nullopt;
    if (value.text.empty()) {
      if ((shell_.state.options & kNoUnset) != 0 || !shell_.bash()) failed_ = true;
      return 0;
    }
    const bool negative = value.text[0] == '-';
    const Number number = this->number(std::string_view(value.text).substr(negative ? 1 : 0));
    if (number && negative) return -*number;
    return number;
  }

  Interpreter& shell_;
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  bool assigns_ = false;
};

}  // namespace

std::optional<long long> Interpreter::arithmetic(std::string_view raw) {
  const Value text = expand_one("\"" + std::string(raw) + "\"");
  if (!going()) return std::nullopt;
  if (!text.known) {
    bool assigns = false;
    for (std::size_t at = 0; at < raw.size(); ++at) {
      if (raw.substr(at, 2) == "++" || raw.substr(at, 2) == "--") assigns = true;
      if (raw[at] != '=') continue;
      const char before = at > 0 ? raw[at - 1] : '=';
      if (raw.substr(at, 2) == "==") ++at;
      else if (before != '<' && before != '>' && before != '!') assigns = true;
    }
    if (assigns) unclear("an assignment of something unknown");
    return std::nullopt;
  }
  Arithmetic arithmetic(*this, text.text);
  const auto value = arithmetic.all();
  // It may be an error that ends the shell, or have set something.
  if (arithmetic.failed()) unclear("an arithmetic that is not understood here");
  return arithmetic.failed() ? std::nullopt : value;
}

}  // namespace gpuinit::image::shell
