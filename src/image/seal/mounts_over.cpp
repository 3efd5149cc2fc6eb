#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "image/seal/witnesses.h"

namespace gpuinit::image {

namespace {

// "/a\040b" → "/a b". Source: proc(5), mountinfo.
std::string without_escapes(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && digit(text[i + 1]) && digit(text[i + 2]) &&
        digit(text[i + 3])) {
      plain +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// On a witness: a directory, one above it, or a file. The witnesses are sorted.
bool is_mounted_over(const std::string& mount, const std::vector<WitnessDirectory>& witnesses) {
  const auto find = [&](std::string_view path) {
    return std::lower_bound(
        witnesses.begin(), witnesses.end(), path,
        [](const WitnessDirectory& one, std::string_view other) { return one.path < other; });
  };
  const auto same = find(mount);
  if (same != witnesses.end() && same->path == mount && has_something(*same)) return true;
  const std::string below = mount + "/";
  for (auto at = find(below); at != witnesses.end() && at->path.starts_with(below); ++at)
    if (has_something(*at)) return true;
  const auto above = find(base::parent(mount));
  if (above == witnesses.end() || above->path != base::parent(mount)) return false;
  return std::any_of(above->names.begin(), above->names.end(), [&](const Witness& name) {
    return is_there(name) && name.name == base::basename(mount);
  });
}

}  // namespace

Result<std::vector<std::string>> mounts_over(const base::RootFs& fs,
                                             const std::vector<WitnessDirectory>& witnesses) {
  auto machine = base::RootFs::open("/");
  if (!machine) return std::move(machine).error();
  const auto text = machine->read_kernel_file("/proc/self/mountinfo", 16ULL * 1024 * 1024);
  if (!text) return text.error();
  const std::string root = machine->resolve(fs.root()).value_or(fs.root());
  std::vector<std::string> found;
  for (const auto line : base::split_lines(*text)) {
    const auto words = base::split_words(line);
    if (words.size() < 5) continue;
    std::string mount = without_escapes(words[4]);
    if (root != "/") {
      if (!mount.starts_with(root + "/")) continue;
      mount.erase(0, root.size());
    }
    if (mount == "/") continue;
    if (is_mounted_over(mount, witnesses)) found.push_back(std::move(mount));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace gpuinit::image
