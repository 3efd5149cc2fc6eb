// Which shared libraries lie on sys.path beside torch: candidates, by name only.
//
// What a distribution's RECORD lists is taken from there, however deep it lies: one small
// read covers a whole package. Directories that no RECORD mentions (Debian, conda, builds in
// place) are walked, in entries called site-packages or dist-packages alone: a working directory
// or PYTHONPATH may hold anything, and of any size. Not looked into there:
// torch itself, NVIDIA's own libraries (nvidia/, tensorrt_libs/), triton's backends, *.libs (what
// auditwheel bundles), and packages with hundreds of libraries that are known to need neither torch
// nor CUDA (numpy, scipy, …): kNotLookedInto in the .cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/glob.h"
#include "base/root_fs.h"
#include "gpuinit/image_facts.h"

namespace gpuinit::image {

struct ExtensionFile {
  std::string entry;         // of sys.path
  std::string relative;      // from there: "torchvision/_C.so"
  std::string distribution;  // whose RECORD names it: "torchvision"; empty: none does
  bool asked_for = false;

  std::string path() const { return base::join(entry, relative); }
};

// A library that several distributions installed at one path, each with another content.
struct ContestedFile {
  std::string path;
  std::string dist_info;  // path of one of them
  bool there = false;     // the file has the size that this one's RECORD says
};

struct ExtensionScope {
  // Globs on `relative`, or names of packages: the command needs these.
  std::vector<std::string> include;
  std::vector<std::string> exclude;  // these are never looked at
};

struct FoundFiles {
  std::vector<ExtensionFile> extensions;  // as sys.path, sorted within an entry, each file once
  std::vector<ContestedFile> contested;   // of those and of nvidia-*
};

// An entry is looked into if it has the name of a directory of packages, or is one: `packages` are
// the installed ones (`pip install --target /app/lib`).
FoundFiles find_extension_files(const base::RootFs& fs, const std::vector<std::string>& sys_path,
                                const std::vector<Package>& packages, const ExtensionScope& scope);

// Limits for all entries together; what lies beyond is not seen. The most that was met:
// 120 directories to walk (Debian's dist-packages), 300 libraries.
inline constexpr std::size_t kMaxWalkedDirectories = 3'000;
inline constexpr std::size_t kMaxExtensionFiles = 5'000;
inline constexpr int kMaxExtensionDepth = 4;  // directories below the entry

}  // namespace gpuinit::image
