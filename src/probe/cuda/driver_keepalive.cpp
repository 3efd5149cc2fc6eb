#include "probe/cuda/driver_keepalive.h"

namespace gpuinit::probe {

void DriverKeepalive::end() {
  const pid_t pid = release();
  if (pid > 0 && base::take_spare(pid)) base::end_helper(pid);
}

}  // namespace gpuinit::probe
