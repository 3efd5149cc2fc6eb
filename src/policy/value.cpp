#include "policy/value.h"

#include <climits>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace gpuinit::policy {

namespace {

constexpr std::size_t kShown = 80;  // bytes of a string that a message repeats

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(c));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + '"';
}

// The shortest text that reads back as the same number, marked as a float.
std::string float_text(double number) {
  // Not std::to_chars: its tables are 130 KB, a twelfth of the binary.
  char text[40];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, number);
    if (std::strtod(text, nullptr) == number) break;
  }
  std::string result(text);
  if (result.find_first_not_of("0123456789-") == std::string::npos) result += ".0";
  return result;
}

}  // namespace

std::string toml_text(const Value& value) {
  if (const auto* boolean = std::get_if<bool>(&value.data)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value.data)) return float_text(*number);
  if (const auto* text = std::get_if<std::string>(&value.data)) return quoted(*text);
  if (const auto* integers = std::get_if<Value::Integers>(&value.data)) {
    std::string list;
    for (const auto integer : *integers)
      list += (list.empty() ? "" : ", ") + std::to_string(integer);
    return "[" + list + "]";
  }
  if (const auto* texts = std::get_if<Value::Texts>(&value.data)) {
    std::string list;
    for (const auto& text : *texts) list += (list.empty() ? "" : ", ") + quoted(text);
    return "[" + list + "]";
  }
  return {};
}

std::string describe(const Value& value) {
  if (const auto* other = std::get_if<Value::Other>(&value.data)) return std::string(other->kind);
  if (const auto* text = std::get_if<std::string>(&value.data))
    return text->empty() ? "an empty string"
                         : "the string " + quoted(base::printable(*text, kShown));
  if (std::holds_alternative<Value::Integers>(value.data) ||
      std::holds_alternative<Value::Texts>(value.data))
    return "an array";
  if (std::holds_alternative<bool>(value.data)) return "the boolean " + toml_text(value);
  return "the number " + toml_text(value);
}

bool is_clean_text(std::string_view text) {
  return text.size() < PATH_MAX && base::printable(text, PATH_MAX) == text;
}

}  // namespace gpuinit::policy
