// Threads, where the image's C library has them: nothing here is linked.
#pragma once

namespace gpuinit::cuda_probe {

// libcuda.so.1 itself needs threads, so the functions are among what came with it: in
// libpthread.so.0, since glibc 2.34 in libc.so.6.
class Threads {
 public:
  using Id = unsigned long;  // pthread_t of glibc and musl

  // Requires: `library` is a handle from dlopen of a library that needs threads.
  explicit Threads(void* library);

  // Runs work(argument) beside the caller. False: there are no threads here, or no more.
  bool start(Id& id, void* (*work)(void*), void* argument) const;
  void wait_for(Id id) const;

 private:
  int (*create_)(Id*, const void*, void* (*)(void*), void*);
  int (*join_)(Id, void**);
};

}  // namespace gpuinit::cuda_probe
