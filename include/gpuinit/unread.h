// What of an image could not be read. Nothing is known of such a file: it is neither missing nor
// damaged, and what follows from it is unknown.
#pragma once

#include <string>

namespace gpuinit {

struct Unread {
  std::string path;        // inside the root
  std::string why;         // "Input/output error", "more than 200000 directory entries"
  bool own_limit = false;  // a limit of gpuinit's, not an error of the system's
  bool operator==(const Unread&) const = default;
};

}  // namespace gpuinit
