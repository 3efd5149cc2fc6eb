#include "image/python/python_release.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "elf/string_scan.h"

namespace gpuinit::image {

namespace {

constexpr unsigned kMaxMinor = 99;

// Reads digits off the front of `text`; 0 if it begins with another character.
unsigned take_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && length < 4 && base::is_digit(text[length])) ++length;
  const auto number = base::parse_number(text.substr(0, length));
  text.remove_prefix(length);
  return number ? static_cast<unsigned>(*number) : 0;
}

// PY_VERSION_HEX as text. Source: CPython, Doc/c-api/apiabiversion.rst.
Fact<std::string> version_from_hex(std::uint32_t hex, PythonRelease& release) {
  const unsigned major = hex >> 24;
  const unsigned minor = (hex >> 16) & 0xff;
  const unsigned level = (hex >> 4) & 0xf;
  const char* name = level == 0xa ? "a" : level == 0xb ? "b" : level == 0xc ? "rc" : "";
  if (major != 3 || minor > kMaxMinor || (name[0] == '\0' && level != 0xf))
    return Fact<std::string>::unknown("Py_Version holds no Python 3 version");
  release.major = major;
  release.minor = minor;
  std::string text = release.dotted() + "." + std::to_string((hex >> 8) & 0xff);
  if (level != 0xf) text += name + std::to_string(hex & 0xf);
  return text;
}

// "3.9.2", "3.10.0rc1", "3.8.18+".
bool is_version(std::string_view text) {
  if (!text.starts_with("3.") || text.size() > 16) return false;
  for (const char c : text)
    if (!base::is_digit(c) && std::string_view(".abrc+").find(c) == std::string_view::npos)
      return false;
  return base::split(text, '.').size() == 3;
}

// What follows the last `start` in `text`, with it; "" if it is not there.
std::string_view tail(std::string_view text, std::string_view start) {
  const auto at = text.rfind(start);
  return at == std::string_view::npos ? std::string_view() : text.substr(at);
}

// "39" of "cpython-39" at the end of `text`; "" if that is something else.
std::string_view cache_tag_at_end(std::string_view text) {
  std::string_view tag = tail(text, "cpython-3");
  if (tag.size() < 10 || tag.size() > 11) return {};
  tag.remove_prefix(9);
  return std::all_of(tag.begin(), tag.end(), base::is_digit) ? tag : std::string_view();
}

std::string_view extension_suffix_at_end(std::string_view text) {
  const std::string_view suffix = tail(text, ".cpython-3");
  return suffix.ends_with(".so") && suffix.size() < 100 ? suffix : std::string_view();
}

// The version at the end of `text`, or "". Linkers keep one copy of "3.9.18" and
// "/opt/python/3.9.18", so the end of any string can be the constant.
std::string_view version_at_end(std::string_view text) {
  const auto at = text.rfind("3.", text.size() < 4 ? 0 : text.size() - 4);
  for (auto from = at; from != std::string_view::npos; from = text.rfind("3.", from - 1)) {
    const bool inside_number =
        from > 0 && (base::is_digit(text[from - 1]) || text[from - 1] == '.');
    if (!inside_number && is_version(text.substr(from))) return text.substr(from);
    if (from == 0 || text.size() - from > 16) break;
  }
  return {};
}

bool tells_release(std::string_view text) {
  return !cache_tag_at_end(text).empty() || !extension_suffix_at_end(text).empty() ||
         !version_at_end(text).empty();
}

// CPython 3.10 and older: PY_VERSION, the cache tag ("cpython-39") and the
// suffix of extension modules are strings of the code.
Fact<std::string> version_from_strings(const elf::ElfFile& code, PythonRelease& release) {
  auto strings = elf::scan_strings(code, {"cpython-3", "3."}, tells_release);
  if (!strings) return Fact<std::string>::unknown(strings.error().message);
  std::set<std::string> tags;
  std::set<std::string> suffixes;
  for (const std::string& text : *strings) {
    if (const auto tag = cache_tag_at_end(text); !tag.empty()) tags.emplace(tag);
    if (const auto suffix = extension_suffix_at_end(text); !suffix.empty())
      suffixes.emplace(suffix);
  }
  if (suffixes.size() == 1) release.extension_suffix = *suffixes.begin();
  if (tags.size() == 1) {
    release.major = 3;
    release.minor = static_cast<unsigned>(base::parse_number(*tags.begin()).value_or(0));
  }
  if (!release.known())
    return Fact<std::string>::unknown("neither Py_Version nor a cache tag in " +
                                      code.source().name());
  std::set<std::string> versions;
  for (const std::string& text : *strings) {
    const std::string_view version = version_at_end(text);
    if (version.starts_with(release.dotted() + ".")) versions.emplace(version);
  }
  if (versions.size() == 1) {
    std::string version = *versions.begin();
    if (version.ends_with('+')) version.pop_back();
    return version;
  }
  return release.dotted();
}

bool defines(const elf::ElfFile& elf, std::string_view name) {
  auto symbol = elf.find_defined(name);
  return symbol && symbol->has_value();
}

}  // namespace

bool parse_libpython_name(const std::string& soname, PythonRelease& release) {
  std::string_view rest = soname;
  if (!rest.starts_with("libpython3.")) return false;
  rest.remove_prefix(11);
  if (rest.empty() || !base::is_digit(rest[0])) return false;
  const unsigned minor = take_number(rest);
  const auto flags = rest.substr(0, rest.find('.'));
  if (minor > kMaxMinor || !rest.substr(flags.size()).starts_with(".so")) return false;
  release.major = 3;
  release.minor = minor;
  release.free_threaded = flags.find('t') != std::string_view::npos;
  release.debug = flags.find('d') != std::string_view::npos;
  return true;
}

PythonRelease read_python_release(const PythonBinary& python) {
  PythonRelease release;
  if (python.implementation() != PythonBinary::Implementation::kCpython) {
    release.version = Fact<std::string>::unknown("PyPy's files do not say which version it is");
    return release;
  }
  if (!python.code()) {
    const std::string reason = python.libpython() + ": " + python.code().error().message;
    release.version = parse_libpython_name(python.libpython(), release)
                          ? Fact<std::string>(release.dotted())
                          : Fact<std::string>::unknown(reason);
    return release;
  }
  const elf::ElfFile& code = *python.code();
  auto symbol = code.find_defined("Py_Version");
  if (symbol && symbol->has_value()) {
    auto offset = code.file_offset((*symbol)->address, sizeof(std::uint32_t));
    auto hex = offset ? code.source().read_struct<std::uint32_t>(*offset)
                      : Result<std::uint32_t>(offset.error());
    release.version =
        hex ? version_from_hex(*hex, release) : Fact<std::string>::unknown(hex.error().message);
  } else {
    release.version = version_from_strings(code, release);
  }
  if (!release.known() && parse_libpython_name(python.libpython(), release))
    release.version = release.dotted();
  // Exported by these variants alone. Source: CPython, Include/refcount.h.
  if (defines(code, "_Py_DecRefShared")) release.free_threaded = true;
  if (defines(code, "_Py_NegativeRefcount")) release.debug = true;
  return release;
}

void search_extension_suffix(const PythonBinary& python, PythonRelease& release) {
  if (!release.extension_suffix.empty() || !python.code()) return;
  auto strings = elf::scan_strings(*python.code(), {".cpython-3"}, [](std::string_view text) {
    return !extension_suffix_at_end(text).empty();
  });
  if (!strings) return;
  std::set<std::string_view> suffixes;
  for (const std::string& text : *strings) suffixes.insert(extension_suffix_at_end(text));
  if (suffixes.size() == 1) release.extension_suffix = *suffixes.begin();
}

}  // namespace gpuinit::image
