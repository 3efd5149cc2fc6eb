// A system call that is asked a second time where storage failed: one hiccup costs nothing.
#pragma once

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

}  // namespace gpuinit::base
