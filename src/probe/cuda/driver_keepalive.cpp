#include "probe/cuda/driver_keepalive.h"

#include "base/reap_group.h"

namespace gpuinit::probe {

namespace {

constexpr std::chrono::seconds kReapBound{1};

}  // namespace

void DriverKeepalive::end() {
  const pid_t pid = release();
  if (pid < 0 || !base::take_spare(pid)) return;
  base::kill_group(pid);
  base::reap_group(pid, std::chrono::steady_clock::now() + kReapBound);
}

}  // namespace gpuinit::probe
