#include "cli/terminate_handler.h"

#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>

#include "base/decimal.h"
#include "base/standard_error.h"
#include "gpuinit/exit_codes.h"
#include "gpuinit/schema.h"

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

// What a library would throw or assert ends here: src/CMakeLists.txt has the list.
[[noreturn, gnu::used]] void gpuinit_terminate() {
  // Nothing is allocated: that is what has failed.
  static constexpr std::string_view kWords =
      "gpuinit: stopped: out of memory (or an error of gpuinit's own)\n";
  static constexpr std::string_view kEvent =
      "{\"schema\":2,\"event\":\"error\",\"message\":\"stopped: out of memory (or an error of "
      "gpuinit's own)\",\"exit_code\":70}\n";
  static_assert(gpuinit::kReportSchema == 2 && gpuinit::kExitInternal == 70);
  gpuinit::base::write_stderr(gpuinit::base::says_in_json() ? kEvent : kWords);
  ::_exit(gpuinit::kExitInternal);
}

// The C library's messages stay in English: no locale is ever set.
[[gnu::used]] const char* __wrap___dcgettext(const char*, const char* message, int) {
  return message;
}

// Where dlopen would look: no library is opened.
[[gnu::used]] void __wrap__dl_init_paths() {}

// The JSON library's and the TOML library's, of text that they have checked to be a number. Those
// of libc and libstdc++ are 60 KB and 24 KB.
[[gnu::used]] double __wrap_strtod(const char* text, char** end) {
  double value = 0;
  const auto [rest, error] = gpuinit::base::parse_decimal(text, text + std::strlen(text), value);
  // A '-' behind the first character belongs to the exponent.
  if (error == std::errc::result_out_of_range)
    value = std::strrchr(text + 1, '-') != nullptr ? 0 : HUGE_VAL;
  if (end != nullptr) *end = const_cast<char*>(rest);  // NOLINT: strtod's own contract
  return value;
}
[[gnu::used]] std::from_chars_result __wrap__ZSt10from_charsPKcS0_RdSt12chars_format(
    const char* first, const char* last, double& value, std::chars_format) {
  return gpuinit::base::parse_decimal(first, last, value);
}

}  // extern "C"

namespace __gnu_cxx {
// Takes the place of libstdc++'s own, which brings the symbol demangler with it.
void __verbose_terminate_handler() { gpuinit_terminate(); }
}  // namespace __gnu_cxx
// NOLINTEND(bugprone-reserved-identifier)

namespace gpuinit::cli {

void install_terminate_handler() { std::set_terminate(__gnu_cxx::__verbose_terminate_handler); }

}  // namespace gpuinit::cli
