#include "threads.h"

#include <dlfcn.h>

namespace gpuinit::cuda_probe {

Threads::Threads(void* library)
    : create_(reinterpret_cast<decltype(create_)>(::dlsym(library, "pthread_create"))),
      join_(reinterpret_cast<decltype(join_)>(::dlsym(library, "pthread_join"))) {}

bool Threads::start(Id& id, void* (*work)(void*), void* argument) const {
  return create_ != nullptr && join_ != nullptr && create_(&id, nullptr, work, argument) == 0;
}

void Threads::wait_for(Id id) const { join_(id, nullptr); }

}  // namespace gpuinit::cuda_probe
