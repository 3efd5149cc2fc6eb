#include "image/start/path_search.h"

#include <cerrno>

#include "base/closed_directory.h"
#include "base/text.h"

namespace gpuinit::image {

namespace {

Error refused(const base::RootFs& fs, const std::string& path) {
  return Error{"`" + base::printable(path) + "` " + base::why_closed(fs, path), EACCES};
}

}  // namespace

std::string search_path_of(const base::Environment& environment) {
  const auto path = environment.find("PATH");
  return path == environment.end() ? "/bin:/usr/bin" : path->second;
}

Result<std::string> find_program(const base::RootFs& fs, std::string_view name,
                                 std::string_view search_path, std::string_view working_directory) {
  const std::string shown = "`" + base::printable(name) + "`";
  if (name.find('/') != std::string_view::npos) {
    std::string path = base::normalize(base::join(working_directory, name));
    auto info = fs.stat(path);
    if (!info && is_unread(info.error().code)) return info.error();
    if (!info && info.error().code == EACCES) return refused(fs, path);
    if (!info) return Error{shown + " does not exist", ENOENT};
    if (info->kind != base::FileInfo::Kind::kFile) return Error{shown + " is not a file", EACCES};
    if ((info->mode & 0111U) == 0) return Error{shown + " is not executable", EACCES};
    return path;
  }
  std::string closed;  // the first that may not be looked at: told if nothing better comes
  if (!name.empty()) {
    for (auto directory : base::split(search_path, ':')) {
      // An empty element is the working directory.
      const std::string path = base::join(base::join(working_directory, directory), name);
      const auto info = fs.stat(path);
      if (!info && is_unread(info.error().code)) return info.error();
      if (!info && info.error().code == EACCES && closed.empty()) closed = base::normalize(path);
      if (info && info->kind == base::FileInfo::Kind::kFile && (info->mode & 0111U) != 0)
        return base::normalize(path);
    }
  }
  if (!closed.empty()) return refused(fs, closed);
  return Error{shown + " is not on PATH", ENOENT};
}

}  // namespace gpuinit::image
