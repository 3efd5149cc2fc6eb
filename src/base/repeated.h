// A system call that is asked a second time where storage failed: one hiccup costs nothing.
#pragma once

#include <dirent.h>

#include <cerrno>

#include "gpuinit/result.h"

namespace gpuinit::base {

// `call` gives what the system call gives, -1 and errno where it failed. A time-out is not waited
// for twice.
template <class Call>
auto repeated(Call call) {
  auto result = call();
  if (result == -1 && errno != ETIMEDOUT && is_unread(errno)) result = call();
  return result;
}

// readdir(3). Null and errno 0 at the end.
inline const dirent* next_entry(DIR* directory) {
  const dirent* entry = nullptr;
  repeated([&] {
    errno = 0;
    entry = ::readdir(directory);
    return entry == nullptr && errno != 0 ? -1 : 0;
  });
  return entry;
}

}  // namespace gpuinit::base
