#include "image/python/pth_file.h"

#include <climits>
#include <cstdint>

#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxFile = 1024ULL * 1024;
constexpr std::size_t kMaxLines = 10'000;

}  // namespace

PthFile read_pth_file(const base::RootFs& fs, const std::string& site_directory,
                      const std::string& name) {
  PthFile file;
  auto text = fs.read_file(base::join(site_directory, name), kMaxFile);
  if (!text) {
    if (is_unread(text.error().code)) file.unread = text.error().message;
    return file;
  }
  std::string_view rest = *text;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  std::size_t count = 0;
  for (auto line : base::split_lines(rest)) {
    if (++count > kMaxLines) {
      file.unread = limit_error(base::join(site_directory, name),
                                "more than " + std::to_string(kMaxLines) + " lines")
                        .message;
      break;
    }
    if (line.starts_with("#") || base::trim(line).empty()) continue;
    if (line.starts_with("import ") || line.starts_with("import\t")) {
      file.code.emplace_back(line);
      continue;
    }
    while (!line.empty() && base::trim(line.substr(line.size() - 1)).empty()) line.remove_suffix(1);
    if (line.size() >= PATH_MAX) continue;  // nothing has such a name
    file.paths.push_back(base::normalize(base::join(site_directory, line)));
  }
  return file;
}

bool is_harmless_pth(const std::string& name, const std::string& code) {
  // setuptools' switch for distutils, virtualenv's patch of distutils, and the
  // namespace packages of old setuptools, which add to sys.modules alone.
  return (name == "distutils-precedence.pth" &&
          code.find("_distutils_hack") != std::string::npos) ||
         (name == "_virtualenv.pth" && code == "import _virtualenv") ||
         (name.ends_with("-nspkg.pth") && code.find("sys.path") == std::string::npos) ||
         // Measuring starts where a variable asks for it.
         (name == "a1_coverage.pth" &&
          code.find("coverage.process_startup") != std::string::npos) ||
         (name == "pytest-cov.pth" && code.find("pytest_cov.embed") != std::string::npos);
}

std::string_view finder_module(std::string_view code) {
  constexpr std::string_view kImport = "import _";
  if (!code.starts_with(kImport)) return "";
  const std::string_view module = code.substr(kImport.size() - 1);
  return module.substr(0, module.find_first_of("; \t,."));
}

bool is_editable_finder(const base::RootFs& fs, const std::string& file) {
  const auto text = fs.read_file(file, kMaxFile);
  if (!text) return false;
  for (const char* word : {"\"torch\"", "'torch'", "sys.path.insert", "sys.path[", "addsitedir"})
    if (text->find(word) != std::string::npos) return false;
  const auto append = text->find("sys.path.append(");
  return append == std::string::npos || text->find("sys.path.append(PATH_PLACEHOLDER)") == append;
}

std::string front_entry(const std::string& directory, std::string_view code) {
  constexpr std::string_view kStart = "import sys, os, ";
  if (!code.starts_with(kStart)) return "";
  const std::string package(code.substr(kStart.size(), code.find(';') - kStart.size()));
  const std::string call = "; sys.path.insert(0, os.path.join(" + package + ".__path__[0], '";
  const auto at = code.find(call);
  if (at != kStart.size() + package.size() || !code.ends_with("'))")) return "";
  const std::string_view below = code.substr(at + call.size());
  return base::join(directory, package + "/" + std::string(below.substr(0, below.size() - 3)));
}

}  // namespace gpuinit::image
