#include "base/decimal.h"

#include <algorithm>
#include <bit>
#include <system_error>

#include "base/text.h"

namespace gpuinit::base {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kMostFives = 27;      // 5^27 is the last power that 64 bits hold
constexpr int kFarExponent = 9999;  // past every double, whatever the digits

// digits × 10^exponent. `digits`: not 0, `exponent`: at most kMostFives either way.
double scaled(std::uint64_t digits, int exponent) {
  std::uint64_t fives = 1;
  for (int i = 0; i < std::abs(exponent); ++i) fives *= 5;
  if (exponent >= 0) return std::ldexp(static_cast<double>(Wide{digits} * fives), exponent);

  // More bits of the quotient than a double has; the last one stands for all behind it.
  const int shift = 64 + std::countl_zero(digits);
  const Wide dividend = Wide{digits} << shift;
  Wide quotient = dividend / fives;
  if (quotient * fives != dividend) quotient |= 1;
  return std::ldexp(static_cast<double>(quotient), exponent - shift);
}

struct Digits {
  std::uint64_t value = 0;
  int exponent = 0;  // of ten, by which `value` is to be multiplied
  int count = 0;

  void add(char digit, bool behind_the_point) {
    ++count;
    const bool room = value < 1'000'000'000'000'000'000;
    if (room) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    if (exponent < kFarExponent && exponent > -kFarExponent)
      exponent += (room ? 0 : 1) - (behind_the_point ? 1 : 0);
  }
};

}  // namespace

std::from_chars_result parse_decimal(const char* first, const char* last, double& value) {
  const char* at = first;
  const bool negative = at != last && *at == '-';
  if (negative) ++at;
  Digits digits;
  for (; at != last && is_digit(*at); ++at) digits.add(*at, false);
  if (at != last && *at == '.') {
    const char* fraction = at + 1;
    for (; fraction != last && is_digit(*fraction); ++fraction) digits.add(*fraction, true);
    if (digits.count > 0) at = fraction;
  }
  if (digits.count == 0) return {first, std::errc::invalid_argument};

  if (at != last && (*at == 'e' || *at == 'E')) {
    const char* power = at + 1;
    const bool down = power != last && *power == '-';
    if (power != last && (*power == '-' || *power == '+')) ++power;
    if (power != last && is_digit(*power)) {
      int exponent = 0;
      for (; power != last && is_digit(*power); ++power)
        exponent = std::min(exponent * 10 + (*power - '0'), 2 * kFarExponent);
      digits.exponent += down ? -exponent : exponent;
      at = power;
    }
  }

  double result = 0;
  if (digits.value != 0) {
    int exponent = std::clamp(digits.exponent, -kFarExponent, kFarExponent);
    const int near = std::clamp(exponent, -kMostFives, kMostFives);
    result = scaled(digits.value, near);
    for (exponent -= near; exponent > 0 && std::isfinite(result); --exponent) result *= 10;
    for (; exponent < 0 && result != 0; ++exponent) result /= 10;
    if (result == 0 || !std::isfinite(result)) return {at, std::errc::result_out_of_range};
  }
  value = negative ? -result : result;
  return {at, std::errc{}};
}

}  // namespace gpuinit::base
