#include "probe/cuda/child_environment.h"

#include <algorithm>
#include <array>

namespace gpuinit::probe {

namespace {

constexpr std::array<std::string_view, 3> kPrefixes{"CUDA_", "NVIDIA_", "XDG_"};
constexpr std::array<std::string_view, 5> kNames{"LD_LIBRARY_PATH", "GLIBC_TUNABLES", "HOME",
                                                 "USER", "TMPDIR"};

// ld.so(8): entries are separated by colons or semicolons; an empty entry, and one that
// does not begin with '/', counts from the working directory. "$ORIGIN/…" stays.
std::string absolute_entries(std::string_view path, std::string_view directory) {
  std::string result;
  for (;;) {
    const auto end = path.find_first_of(":;");
    const auto entry = path.substr(0, end);
    if (!entry.starts_with('/') && !entry.starts_with('$')) {
      result += directory;
      if (!entry.empty() && !directory.ends_with('/')) result += '/';
    }
    result += entry;
    if (end == std::string_view::npos) return result;
    result += path[end];
    path.remove_prefix(end + 1);
  }
}

}  // namespace

std::vector<std::string> cuda_environment(const std::map<std::string, std::string>& variables,
                                          std::string_view directory) {
  std::vector<std::string> result;
  for (const auto& [name, value] : variables) {
    const auto begins = [&name = name](auto prefix) { return name.starts_with(prefix); };
    if (std::none_of(kPrefixes.begin(), kPrefixes.end(), begins) &&
        std::find(kNames.begin(), kNames.end(), name) == kNames.end())
      continue;
    // An LD_LIBRARY_PATH that is set but empty is as good as none.
    const bool rewrite = name == "LD_LIBRARY_PATH" && !value.empty() && !directory.empty();
    result.push_back(name + "=" + (rewrite ? absolute_entries(value, directory) : value));
  }
  return result;
}

}  // namespace gpuinit::probe
