#include "base/closed_directory.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/open_in_root.h"
#include "base/text.h"

namespace gpuinit::base {

namespace {

std::string octal(std::uint32_t mode) {
  std::string digits = "0000";
  for (std::size_t i = digits.size(); i-- > 0; mode >>= 3U)
    digits[i] = static_cast<char>('0' + (mode & 7U));
  return digits;
}

// The first part of the path that cannot be looked at; empty if there is none.
std::string first_closed(const RootFs& fs, const std::string& path) {
  for (std::size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const auto info = fs.stat(path.substr(0, end));
    if (!info) return info.error().code == EACCES ? path.substr(0, end) : "";
  }
  return "";
}

}  // namespace

// A venv's python often leads elsewhere.
std::string closed_directory(const RootFs& fs, const std::string& to) {
  std::string path = normalize(to);
  for (int links = 0; links < kMaxLinks; ++links) {
    const std::string closed = first_closed(fs, path);
    if (closed.empty()) return "";
    const auto target = fs.read_link(closed);
    if (!target) return std::string(parent(closed));
    path = normalize(join(parent(closed), *target) + path.substr(closed.size()));
  }
  return "";
}

std::string why_closed(const RootFs& fs, const std::string& path) {
  const std::string uid = "uid " + std::to_string(::geteuid());
  const std::string directory = closed_directory(fs, path);
  const auto info = directory.empty() ? Error{} : fs.stat(directory);
  if (!info) return "may not be looked at by " + uid;
  return "leads into " + printable(directory) + ", which " + uid + " may not enter (mode " +
         octal(info->mode) + ", owner " + std::to_string(info->owner) +
         "): chmod a+x it, run as its owner, or install elsewhere what lies there (uv: "
         "UV_PYTHON_INSTALL_DIR)";
}

}  // namespace gpuinit::base
