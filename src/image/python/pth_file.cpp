#include "image/python/pth_file.h"

#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxPthFile = 1024ULL * 1024;
constexpr std::size_t kMaxLines = 10'000;

}  // namespace

PthFile read_pth_file(const base::RootFs& fs, const std::string& site_directory,
                      const std::string& name) {
  PthFile file;
  auto text = fs.read_file(base::join(site_directory, name), kMaxPthFile);
  if (!text) return file;
  std::string_view rest = *text;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  std::size_t count = 0;
  for (auto line : base::split_lines(rest)) {
    if (++count > kMaxLines) break;
    if (line.starts_with("#") || base::trim(line).empty()) continue;
    if (line.starts_with("import ") || line.starts_with("import\t")) {
      file.code.emplace_back(line);
      continue;
    }
    while (!line.empty() && base::trim(line.substr(line.size() - 1)).empty()) line.remove_suffix(1);
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
         (name.ends_with("-nspkg.pth") && code.find("sys.path") == std::string::npos);
}

}  // namespace gpuinit::image
