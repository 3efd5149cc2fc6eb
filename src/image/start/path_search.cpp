#include "image/start/path_search.h"

#include <cerrno>

#include "base/text.h"

namespace gpuinit::image {

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
    if (!info) return Error{shown + " does not exist", ENOENT};
    if (info->kind != base::FileInfo::Kind::kFile) return Error{shown + " is not a file", EACCES};
    if ((info->mode & 0111U) == 0) return Error{shown + " is not executable", EACCES};
    return path;
  }
  if (!name.empty()) {
    for (auto directory : base::split(search_path, ':')) {
      // An empty element is the working directory.
      const std::string path = base::join(base::join(working_directory, directory), name);
      if (fs.is_executable(path)) return base::normalize(path);
    }
  }
  return Error{shown + " is not on PATH", ENOENT};
}

}  // namespace gpuinit::image
