// The controlling terminal and who has its foreground: that process group gets
// Ctrl-C and Ctrl-Z, and may read.
#pragma once

#include <sys/types.h>

#include "base/unique_fd.h"

namespace gpuinit::launch {

class Terminal {
 public:
  // Opens the controlling terminal; that there is none is no error.
  Terminal();

  // True if our own process group has the foreground. False without a terminal.
  bool is_own_failure() const { return foreground() == ::getpgrp(); }
  // -1 without a terminal.
  pid_t foreground() const;

  // Gives the foreground away, or takes it. Requires: SIGTTOU is blocked.
  void give_to(pid_t group) const;

  int fd() const { return fd_.get(); }  // -1: none

 private:
  base::UniqueFd fd_;
};

}  // namespace gpuinit::launch
