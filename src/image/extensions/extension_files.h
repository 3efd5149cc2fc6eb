// Which shared libraries lie on sys.path beside torch: candidates, by name only.
//
// What a distribution's RECORD lists is taken from there, however deep it lies: one small
// read covers a whole package. Directories that no RECORD mentions (Debian, conda, builds in
// place) are walked. Only entries called site-packages or dist-packages are looked into: a
// working directory or PYTHONPATH may hold anything, and of any size. Not looked into there:
// torch itself, NVIDIA's own libraries (nvidia/, tensorrt_libs/), triton's backends, *.libs (what
// auditwheel bundles), and packages with hundreds of libraries that are known to need neither torch
// nor CUDA (numpy, scipy, …): kNotLookedInto in the .cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::image {

struct ExtensionFile {
  std::string entry;     // of sys.path
  std::string relative;  // from there: "torchvision/_C.so"
  bool asked_for = false;

  std::string path() const { return base::join(entry, relative); }
};

struct ExtensionScope {
  std::vector<std::string> include;  // globs on `relative`: the command needs these
  std::vector<std::string> exclude;  // these are never looked at
};

// In the order of sys.path, sorted within an entry, each file once.
std::vector<ExtensionFile> find_extension_files(const base::RootFs& fs,
                                                const std::vector<std::string>& sys_path,
                                                const ExtensionScope& scope);

// Patterns as the policy writes them: `*` is any text, '/' included, `?` one character.
bool matches_glob(std::string_view pattern, std::string_view text);

// Limits for all entries together; what lies beyond is not seen. The most that was met:
// 120 directories to walk (Debian's dist-packages), 300 libraries.
inline constexpr std::size_t kMaxWalkedDirectories = 3'000;
inline constexpr std::size_t kMaxExtensionFiles = 5'000;
inline constexpr int kMaxExtensionDepth = 4;  // directories below the entry

}  // namespace gpuinit::image
