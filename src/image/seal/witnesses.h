// The witnesses of what was read: made when an image is sealed, compared at each start.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/read_log.h"
#include "base/root_fs.h"
#include "gpuinit/seal.h"

namespace gpuinit::image {

inline bool is_there(const Witness& name) { return name.kind != Witness::Kind::kAbsent; }

// It is there itself: not only a place in which names were looked for.
inline bool has_something(const WitnessDirectory& directory) {
  return directory.listed || std::ranges::any_of(directory.names, is_there);
}

// Everything in the log as it is now: each symlink on the way and where it leads to, or the name
// that is not there. Left out is what belongs to the node: /proc, /sys, /dev and ld.so.cache.
std::vector<WitnessDirectory> make_witnesses(const base::RootFs& fs, const base::ReadLog& log);

// Every user may read all of them.
bool are_readable_by_all(const base::RootFs& fs, const std::vector<WitnessDirectory>& witnesses);

// One clause for each that is not as it was, at most `most`: "/a/b.so has another size". Times
// later than `latest` count as that: an image whose times were cut has cut those of its seal too.
std::vector<std::string> changed_witnesses(const base::RootFs& fs,
                                           const std::vector<WitnessDirectory>& witnesses,
                                           std::optional<std::int64_t> latest, std::size_t most);

// The mount points below the root on which a witness lies, or which cover one, of the mount
// namespace that this process is in. An error if they cannot be read.
Result<std::vector<std::string>> mounts_over(const base::RootFs& fs,
                                             const std::vector<WitnessDirectory>& witnesses);

}  // namespace gpuinit::image
