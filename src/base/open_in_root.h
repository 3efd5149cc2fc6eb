// The one way to a file below a root: a path is walked as after chroot(2), by the kernel or, where
// it cannot, one held directory after another. What is swapped for a symlink meanwhile leads
// nowhere else.
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "gpuinit/result.h"

namespace gpuinit::base {

inline constexpr int kMaxLinks = 40;  // as the kernel's MAXSYMLINKS

enum class Links {
  kFollowed,  // an absolute one starts again at the root, and ".." never leaves it
  kRefused,   // ELOOP if there is one in the path
};

// As openat(2) with `flags`, O_CLOEXEC, and where something is opened for real O_NONBLOCK and
// O_NOCTTY; "" is the root. Not valid and errno where there is none.
UniqueFd open_in_root(int root, std::string_view path, int flags, Links links);

// `path` with every symlink resolved and "." and ".." gone: "/a/b". ELOOP after 40 links.
Result<std::string> resolve_in_root(int root, std::string_view path);

}  // namespace gpuinit::base
