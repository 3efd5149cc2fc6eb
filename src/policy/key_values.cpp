#include "policy/key_values.h"

#include <array>
#include <cctype>
#include <cmath>

#include "base/text.h"
#include "policy/enum_names.h"

namespace gpuinit::policy {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<Unit, 4> kUnits{{{"TiB", std::uint64_t{1} << 40},
                                      {"GiB", std::uint64_t{1} << 30},
                                      {"MiB", std::uint64_t{1} << 20},
                                      {"KiB", std::uint64_t{1} << 10}}};

bool is_word(std::string_view text, std::string_view besides) {
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && besides.find(c) == besides.npos)
      return false;
  return !text.empty();
}

// "torch", "a.b"; Python allows more than ASCII, import names in practice do not use it.
bool is_module(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (!is_word(part, "_") || std::isdigit(static_cast<unsigned char>(part[0])) != 0) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool obeys(ListRule rule, const std::string& text) {
  if (text.empty() || !is_clean_text(text)) return false;
  switch (rule) {
    case ListRule::kGlobs:
      return !text.starts_with('/');
    case ListRule::kModules:
      return is_module(text);
    case ListRule::kSystemCalls:
      return is_word(text, "_");
  }
  return false;
}

// The texts of a list, none for an empty one.
std::optional<Value::Texts> list_of(const Value& value) {
  if (const auto* list = std::get_if<Value::Texts>(&value.data)) return *list;
  if (const auto* one = std::get_if<std::string>(&value.data)) return Value::Texts{*one};
  const auto* empty = std::get_if<Value::Integers>(&value.data);
  if (empty != nullptr && empty->empty()) return Value::Texts{};
  return std::nullopt;
}

std::optional<std::uint64_t> in_range(std::uint64_t count) {
  if (count < 1 || count > kMaxBytes) return std::nullopt;
  return count;
}

}  // namespace

std::optional<std::chrono::milliseconds> milliseconds(const Value& value, bool or_none) {
  double seconds = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value.data))
    seconds = static_cast<double>(*integer);
  else if (const auto* number = std::get_if<double>(&value.data)) seconds = *number;
  else return {};
  if (or_none && seconds == 0) return std::chrono::milliseconds{0};
  // The comparison is written so that NaN fails it.
  if (!(seconds >= 0.001 && seconds <= static_cast<double>(kMaxSeconds.count()))) return {};
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

Value seconds_value(std::chrono::milliseconds time) {
  const std::int64_t count = time.count();
  if (count % 1000 == 0) return Value{count / 1000};
  return Value{static_cast<double>(count) / 1000};
}

std::optional<std::uint64_t> bytes(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value.data))
    return *integer < 0 ? std::nullopt : in_range(static_cast<std::uint64_t>(*integer));
  const auto* text = std::get_if<std::string>(&value.data);
  if (text == nullptr) return std::nullopt;
  std::string_view rest = base::trim(*text);
  std::uint64_t unit = 1;
  for (const Unit& known : kUnits) {
    if (!rest.ends_with(known.name)) continue;
    unit = known.bytes;
    rest = base::trim(rest.substr(0, rest.size() - known.name.size()));
  }
  if (rest.empty() || rest.size() > 15) return std::nullopt;
  std::uint64_t count = 0;
  for (const char c : rest) {
    if (c < '0' || c > '9') return std::nullopt;
    count = count * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (count > kMaxBytes / unit) return std::nullopt;
  return in_range(count * unit);
}

Value bytes_value(std::uint64_t count) {
  for (const Unit& unit : kUnits)
    if (count % unit.bytes == 0)
      return Value{std::to_string(count / unit.bytes) + std::string(unit.name)};
  return Value{static_cast<std::int64_t>(count)};
}

std::optional<std::vector<int>> exit_codes(const Value& value) {
  Value::Integers integers;
  if (const auto* list = std::get_if<Value::Integers>(&value.data)) integers = *list;
  else if (const auto* one = std::get_if<std::int64_t>(&value.data)) integers.push_back(*one);
  else return std::nullopt;
  std::vector<int> codes;
  for (const auto integer : integers) {
    if (integer < 1 || integer > kMaxExitCode) return std::nullopt;
    codes.push_back(static_cast<int>(integer));
  }
  return codes;
}

std::optional<std::vector<std::string>> texts(const Value& value, ListRule rule) {
  auto list = list_of(value);
  if (!list) return std::nullopt;
  for (const std::string& text : *list)
    if (!obeys(rule, text)) return std::nullopt;
  return list;
}

std::optional<std::vector<WaitFor>> wait_reasons(const Value& value) {
  const auto list = list_of(value);
  if (!list) return std::nullopt;
  std::vector<WaitFor> reasons;
  for (const std::string& text : *list) {
    const WaitFor* reason = value_of(kWaitReasons, Value{text});
    if (reason == nullptr) return std::nullopt;
    reasons.push_back(*reason);
  }
  return reasons;
}

Value texts_value(std::vector<std::string> list) {
  if (list.empty()) return Value{Value::Integers{}};
  return Value{std::move(list)};
}

}  // namespace gpuinit::policy
