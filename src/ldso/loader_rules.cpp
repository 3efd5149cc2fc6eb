#include "ldso/loader_rules.h"

#if defined(__x86_64__)
// The header's word of C, which clang does not know in C++.
#define _Bool bool  // NOLINT(bugprone-reserved-identifier)
#include <sys/platform/x86.h>
#undef _Bool
#endif

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gpuinit::ldso {

std::vector<std::string> supported_hwcaps(std::string_view machine) {
  std::vector<std::string> names;
  if (machine != "x86_64") return names;
#if defined(__x86_64__)
  // glibc's own record of the CPU, which it has made at its start (dl-hwcaps_subdirs.c). The
  // compiler's __builtin_cpu_supports asks the CPU again, before main: ten instructions that
  // are 8 us each in a virtual machine.
  const auto active = [](std::initializer_list<unsigned> features) {
    return std::all_of(features.begin(), features.end(), ::x86_cpu_active);
  };
  const bool v2 = active({x86_cpu_CMPXCHG16B, x86_cpu_LAHF64_SAHF64, x86_cpu_POPCNT, x86_cpu_SSE3,
                          x86_cpu_SSE4_1, x86_cpu_SSE4_2, x86_cpu_SSSE3});
  const bool v3 = v2 && active({x86_cpu_AVX, x86_cpu_AVX2, x86_cpu_BMI1, x86_cpu_BMI2, x86_cpu_F16C,
                                x86_cpu_FMA, x86_cpu_LZCNT, x86_cpu_MOVBE});
  const bool v4 = v3 && active({x86_cpu_AVX512F, x86_cpu_AVX512BW, x86_cpu_AVX512CD,
                                x86_cpu_AVX512DQ, x86_cpu_AVX512VL});
  if (v4) names.emplace_back("x86-64-v4");
  if (v3) names.emplace_back("x86-64-v3");
  if (v2) names.emplace_back("x86-64-v2");
#else
  // The image will run elsewhere. No server that takes a GPU of today is older than Haswell.
  names = {"x86-64-v3", "x86-64-v2"};
#endif
  return names;
}

std::string_view hwcaps_of(std::string_view path) {
  constexpr std::string_view kDirectory = "/glibc-hwcaps/";
  const auto at = path.rfind(kDirectory);
  if (at == std::string_view::npos) return {};
  path.remove_prefix(at + kDirectory.size());
  return path.substr(0, path.find('/'));
}

LoaderPaths loader_paths(const base::RootFs& fs, const std::string& machine) {
  const std::string triple = machine + "-linux-gnu";
  if (fs.is_directory("/lib/" + triple) || fs.is_directory("/usr/lib/" + triple))
    return {"lib/" + triple, {"/lib/" + triple, "/usr/lib/" + triple, "/lib", "/usr/lib"}};
  if (fs.is_directory("/lib64") || fs.is_directory("/usr/lib64"))
    return {"lib64", {"/lib64", "/usr/lib64"}};
  return {"lib", {"/lib", "/usr/lib"}};
}

namespace {

// A name that is longer than the token.
bool goes_on(std::string_view text) {
  if (text.empty()) return false;
  const char c = text.front();
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

void add_names(std::string_view text, std::string_view separators,
               std::vector<std::string>& names) {
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    if (end != 0) names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::string expand_tokens(std::string_view text, std::string_view origin, std::string_view lib,
                          std::string_view platform) {
  const std::pair<std::string_view, std::string_view> values[] = {
      {"ORIGIN", origin}, {"LIB", lib}, {"PLATFORM", platform}};
  std::string result;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    result += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    bool known = false;
    for (const auto& [token, value] : values) {
      const std::string braced = "{" + std::string(token) + "}";
      const bool has_braces = text.starts_with(braced);
      if (!has_braces && (!text.starts_with(token) || goes_on(text.substr(token.size())))) continue;
      result += value;
      text.remove_prefix(has_braces ? braced.size() : token.size());
      known = true;
      break;
    }
    if (!known) result += '$';
  }
  return result;
}

LoaderFamily loader_family(std::string_view interpreter) {
  const std::string_view name = base::basename(interpreter);
  if (name.starts_with("ld-musl-") || name.starts_with("libgcompat")) return LoaderFamily::kMusl;
  if (!name.starts_with("ld-linux")) return LoaderFamily::kOther;
  // A glibc outside the system's directories (nix, a prefix of its own) has
  // default directories and a cache of its own.
  const std::string_view directory = base::parent(interpreter);
  return directory.starts_with("/lib") || directory.starts_with("/usr/lib") ? LoaderFamily::kGlibc
                                                                            : LoaderFamily::kOther;
}

std::vector<std::string> preload_variable(std::string_view text) {
  std::vector<std::string> names;
  add_names(text, " :", names);
  return names;
}

std::vector<std::string> preload_file(std::string_view text) {
  std::vector<std::string> names;
  for (const auto line : base::split(text, '\n'))
    add_names(line.substr(0, line.find('#')), " \t:", names);
  return names;
}

}  // namespace gpuinit::ldso
