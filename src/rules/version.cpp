// Versions as numbers: parsing and comparing.
#include "rules/version.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace gpuinit::rules {

namespace {

constexpr std::size_t kMaxNumbers = 8;
constexpr std::size_t kMaxText = 256;  // bytes; a longer text is not a version

unsigned number_at(const Version& version, std::size_t index) {
  return index < version.numbers.size() ? version.numbers[index] : 0;
}

}  // namespace

std::string Version::text() const {
  std::string text;
  for (const unsigned number : numbers) {
    if (!text.empty()) text += '.';
    text += std::to_string(number);
  }
  return text;
}

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  const std::size_t length = std::max(a.numbers.size(), b.numbers.size());
  for (std::size_t i = 0; i < length; ++i)
    if (const auto order = number_at(a, i) <=> number_at(b, i); order != 0) return order;
  return std::strong_ordering::equal;
}

bool operator==(const Version& a, const Version& b) { return (a <=> b) == 0; }

Result<Version> parse_version(std::string_view text) {
  const std::string_view whole = base::trim(text);
  const auto refuse = [&](const char* because) {
    return Error{"\"" + base::printable(whole, 60) + "\" is not a version: " + because};
  };
  if (whole.size() > kMaxText) return refuse("it is too long");

  std::string_view rest = whole;
  if (rest.starts_with('v')) rest.remove_prefix(1);
  Version version;
  for (;;) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error == std::errc::result_out_of_range) return refuse("a number in it is too large");
    if (error != std::errc()) return refuse("it does not start with a number");
    if (version.numbers.size() == kMaxNumbers) return refuse("it has more than 8 numbers");
    version.numbers.push_back(number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));

    // A dot goes on with the version only if a number follows: "3.13.rc1", "12.".
    const bool more = rest.size() > 1 && rest[0] == '.' && rest[1] >= '0' && rest[1] <= '9';
    if (!more) break;
    rest.remove_prefix(1);
  }
  version.rest = std::string(rest);
  return version;
}

}  // namespace gpuinit::rules
