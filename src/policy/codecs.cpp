// Booleans, numbers and signals.
#include "policy/codecs.h"

#include <cmath>

#include "base/signal_name.h"
#include "base/text.h"

namespace gpuinit::policy {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kForward = "forward";
constexpr std::string_view kIgnore = "ignore";

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr Unit kUnits[] = {{"TiB", std::uint64_t{1} << 40},
                           {"GiB", std::uint64_t{1} << 30},
                           {"MiB", std::uint64_t{1} << 20},
                           {"KiB", std::uint64_t{1} << 10}};

const std::int64_t* as_integer(const Value& value) {
  return std::get_if<std::int64_t>(&value.value);
}

std::optional<double> number(const Value& value) {
  if (const auto* integer = as_integer(value)) return static_cast<double>(*integer);
  const auto* number = std::get_if<double>(&value.value);
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

Result<milliseconds> seconds(const Value& value, const Problems&) {
  // The comparison is written so that NaN fails it.
  const double seconds = number(value).value_or(0);
  if (!(seconds >= 0.001 && seconds <= kMaxSeconds)) return Error{};
  return milliseconds(std::llround(seconds * 1000));
}

Value seconds_value(const milliseconds& time) {
  const std::int64_t count = time.count();
  return count % 1000 == 0 ? Value(count / 1000) : Value(static_cast<double>(count) / 1000);
}

std::optional<std::uint64_t> bytes(const Value& value) {
  std::uint64_t unit = 1;
  std::optional<std::uint64_t> count;
  if (const auto* integer = as_integer(value); integer != nullptr && *integer > 0)
    count = static_cast<std::uint64_t>(*integer);
  if (const auto* text = value.as_string()) {
    std::string_view digits = base::trim(*text);
    for (const Unit& known : kUnits) {
      if (!digits.ends_with(known.name)) continue;
      unit = known.bytes;
      digits = base::trim(digits.substr(0, digits.size() - known.name.size()));
    }
    count = base::parse_number(digits);
  }
  if (!count || *count == 0 || *count > kMaxBytes / unit) return std::nullopt;
  return *count * unit;
}

// nullopt if the value is neither a signal's name nor its number.
std::optional<int> signal(const Value& value) {
  if (const auto* number = as_integer(value)) return base::signal_number(std::to_string(*number));
  const auto* text = value.as_string();
  return text != nullptr ? base::signal_number(*text) : std::nullopt;
}

bool is_text(const Value& value, std::string_view text) {
  const auto* given = value.as_string();
  return given != nullptr && *given == text;
}

// nullopt if the value is not a list of exit codes, or one.
std::optional<std::vector<int>> exit_codes(const Value& value) {
  const base::JsonArray one{value};
  const auto* list = value.as_array();
  std::vector<int> codes;
  for (const Value& item : list != nullptr ? *list : one) {
    const auto* code = as_integer(item);
    if (code == nullptr || *code < 1 || *code > kMaxExitCode) return std::nullopt;
    codes.push_back(static_cast<int>(*code));
  }
  return codes;
}

}  // namespace

const Codec<bool> kBoolean{{"true or false"},
                           [](const Value& value, const Problems&) -> Result<bool> {
                             const bool* given = value.as_bool();
                             return given != nullptr ? Result<bool>(*given) : Error{};
                           },
                           [](const bool& field) { return Value(field); }};

const Codec<milliseconds> kSeconds{
    {"a number of seconds from 0.001 to 86400"}, seconds, seconds_value};

const Codec<milliseconds> kSecondsOrZero{{"a number of seconds from 0 to 86400"},
                                         [](const Value& value, const Problems& problems) {
                                           return number(value) == 0.0 ? milliseconds{0}
                                                                       : seconds(value, problems);
                                         },
                                         seconds_value};

const Codec<std::uint64_t> kBytes{
    {"a number of bytes, or a text such as \"512MiB\"", /*takes_text=*/true},
    [](const Value& value, const Problems&) { return parsed(bytes(value)); },
    [](const std::uint64_t& count) {
      for (const Unit& unit : kUnits)
        if (count % unit.bytes == 0)
          return Value(std::to_string(count / unit.bytes) + std::string(unit.name));
      return Value(static_cast<std::int64_t>(count));
    }};

const Codec<std::uint64_t> kBytesOrZero{
    {"a number of bytes, a text such as \"40GiB\", or 0", /*takes_text=*/true},
    [](const Value& value, const Problems& problems) {
      return number(value) == 0.0 ? Result<std::uint64_t>(0) : kBytes.parse(value, problems);
    },
    [](const std::uint64_t& count) {
      return count == 0 ? Value(std::int64_t{0}) : kBytes.print(count);
    }};

const Codec<int> kSignal{
    {"a signal such as \"SIGTERM\", or \"\""},
    [](const Value& value, const Problems&) {
      return parsed(is_text(value, "") ? std::optional<int>(0) : signal(value));
    },
    [](const int& field) { return Value(field == 0 ? std::string() : base::signal_name(field)); }};

const Codec<std::optional<int>> kSignalAction{
    {"a signal such as \"SIGINT\", \"ignore\" or \"forward\""},
    [](const Value& value, const Problems&) -> Result<std::optional<int>> {
      if (is_text(value, kForward)) return std::optional<int>();
      const auto sent = is_text(value, kIgnore) ? std::optional<int>(0) : signal(value);
      return sent ? Result<std::optional<int>>(sent) : Error{};
    },
    [](const std::optional<int>& sent) {
      if (!sent) return Value(kForward);
      return *sent == 0 ? Value(kIgnore) : Value(base::signal_name(*sent));
    }};

const Codec<std::vector<int>> kExitCodes{
    {"a list of exit codes from 1 to 255, such as [143]"},
    [](const Value& value, const Problems&) { return parsed(exit_codes(value)); },
    [](const std::vector<int>& codes) {
      return Value(base::JsonArray(codes.begin(), codes.end()));
    }};

}  // namespace gpuinit::policy
