// SOABI strings: parsing, and who imports what.
#include "rules/soabi.h"

#include <algorithm>

#include "base/text.h"

namespace gpuinit::rules {

std::optional<PythonAbi> parse_soabi(std::string_view soabi) {
  constexpr std::string_view kPrefix = "cpython-";
  if (!soabi.starts_with(kPrefix)) return std::nullopt;
  soabi.remove_prefix(kPrefix.size());

  const std::string_view tag = soabi.substr(0, soabi.find('-'));
  PythonAbi abi;
  if (tag.size() < soabi.size()) abi.platform = std::string(soabi.substr(tag.size() + 1));

  const auto digits = std::min(tag.find_first_not_of("0123456789"), tag.size());
  // One digit of major version, the rest is the minor: "39", "312".
  if (digits < 2 || digits > 4) return std::nullopt;
  abi.major = static_cast<unsigned>(tag[0] - '0');
  abi.minor = static_cast<unsigned>(base::parse_number(tag.substr(1, digits - 1)).value_or(0));
  for (const char flag : tag.substr(digits)) {
    if (flag < 'a' || flag > 'z') return std::nullopt;
    if (flag == 't') abi.free_threaded = true;
    else if (flag == 'd') abi.debug = true;
    else abi.other_flags += flag;
  }
  return abi;
}

std::string PythonAbi::words() const {
  std::string words;
  if (free_threaded) words += "free-threaded ";
  if (debug) words += "debug ";
  return words + "CPython " + std::to_string(major) + '.' + std::to_string(minor);
}

std::string PythonAbi::wheel_tag() const {
  std::string tag = "cp" + std::to_string(major) + std::to_string(minor) + other_flags;
  if (free_threaded) tag += 't';
  return tag;
}

Tristate imports_extension(std::string_view interpreter, std::string_view extension) {
  if (interpreter == extension) return Tristate::kYes;
  if (extension.empty()) return Tristate::kYes;  // NAME.so: any interpreter takes it
  const auto python = parse_soabi(interpreter);
  // Only builds with the GIL look for ".abi3.so", free-threaded ones changed their mind over time.
  if (extension == "abi3")
    return python && !python->free_threaded ? Tristate::kYes : Tristate::kUnknown;

  const auto built_for = parse_soabi(extension);
  if (!python || !built_for) return Tristate::kUnknown;
  if (python->major != built_for->major || python->minor != built_for->minor ||
      python->free_threaded != built_for->free_threaded ||
      python->other_flags != built_for->other_flags)
    return Tristate::kNo;
  // A debug build also takes release builds, since 3.8; never the other way round.
  if (python->debug != built_for->debug) {
    const bool alt_soabi = python->debug && (python->major > 3 || python->minor >= 8);
    if (!alt_soabi) return Tristate::kNo;
  }
  if (python->platform == built_for->platform) return Tristate::kYes;
  // A name without a platform comes from unusual builds or from a reader that
  // did not find it: no ground for a verdict.
  if (python->platform.empty() || built_for->platform.empty()) return Tristate::kUnknown;
  return Tristate::kNo;
}

std::string soabi_words(std::string_view soabi) {
  const auto abi = parse_soabi(soabi);
  return abi ? abi->words() : std::string(soabi);
}

}  // namespace gpuinit::rules
