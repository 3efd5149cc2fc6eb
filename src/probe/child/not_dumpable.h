// As long as one of these lives, /proc/PID/mem and the like of gpuinit are closed to processes that
// have no more rights than gpuinit has: to a probe that is to stay in its sandbox. What gpuinit may
// do with its own files there stays the same. Not for threads.
#pragma once

#include <sys/prctl.h>

namespace gpuinit::probe {

class NotDumpable {
 public:
  NotDumpable() {
    if (living_++ != 0) return;
    before_ = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  // Others may look again: `docker top`, a cron job that writes into /proc/1/fd/1.
  ~NotDumpable() {
    if (--living_ == 0 && before_ == 1) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  }
  NotDumpable(const NotDumpable&) = delete;
  NotDumpable& operator=(const NotDumpable&) = delete;

 private:
  static inline int living_ = 0;
  static inline int before_ = 1;
};

}  // namespace gpuinit::probe
