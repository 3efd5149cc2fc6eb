#include "context_trial.h"

#include <time.h>

#include "kernel.h"
#include "write_answer.h"

namespace gpuinit::cuda_probe {

namespace {

size_t now_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<size_t>(now.tv_sec * 1'000'000 + now.tv_nsec / 1000);
}

// Errors that mean "this PTX did not become code" and nothing about the device: an image
// without the JIT compiler's library (221) runs torch's own SASS without trouble.
bool is_about_ptx(CUresult result) {
  switch (static_cast<int>(result)) {
    case 200:  // CUDA_ERROR_INVALID_IMAGE
    case 209:  // CUDA_ERROR_NO_BINARY_FOR_GPU: older drivers under CUDA_DISABLE_PTX_JIT
    case 218:  // CUDA_ERROR_INVALID_PTX
    case 221:  // CUDA_ERROR_JIT_COMPILER_NOT_FOUND
    case 222:  // CUDA_ERROR_UNSUPPORTED_PTX_VERSION
    case 223:  // CUDA_ERROR_JIT_COMPILATION_DISABLED
      return true;
    default:
      return false;
  }
}

class Trial {
 public:
  Trial(const DriverApi& cuda, int index, CUdevice device)
      : cuda_(cuda), index_(index), device_(device), started_(now_microseconds()) {}

  bool run() {
    // Never the same twice, so that what an earlier trial left in memory cannot pass.
    seed_ = static_cast<unsigned>(started_) ^ 0xA5A5A5A5U;
    make_context() && report_memory() && run_kernel() && read_back();
    if (missing_ != nullptr) write_missing("context", missing_, index_);
    else write_result();
    return clean_up();
  }

 private:
  // Makes one call. False if it failed or does not exist: the trial ends there.
  template <class... Parameters, class... Arguments>
  bool call(const Call<Parameters...>& function, Arguments... arguments) {
    if (!function) {
      missing_ = function.symbol;
      return false;
    }
    write_step(function.symbol, index_);
    last_call_ = function.symbol;
    result_ = function(arguments...);
    return result_ == CUDA_SUCCESS;
  }

  bool make_context() {
    CUcontext context = nullptr;
    if (!call(cuda_.primary_ctx_retain, &context, device_)) return false;
    retained_ = true;
    return call(cuda_.ctx_set_current, context);
  }

  bool report_memory() {
    size_t available = 0;
    size_t total = 0;
    if (!call(cuda_.mem_get_info, &available, &total)) return false;
    line("memory-free").word(available).send();
    return true;
  }

  bool run_kernel() {
    // The words are wrong before the kernel runs, every one of them.
    if (!call(cuda_.mem_alloc, &memory_, sizeof words_)) return false;
    if (!call(cuda_.memset_d32, memory_, ~seed_, size_t{kWords})) return false;
    void* parameters[] = {&memory_, &seed_};
    CUfunction kernel = nullptr;
    // Under CUDA_MODULE_LOADING=LAZY the PTX may be compiled as late as the launch.
    if (call(cuda_.module_load, &module_, kKernelPtx, 0U, nullptr, nullptr) &&
        call(cuda_.module_get_function, &kernel, module_, kKernelName) &&
        call(cuda_.launch_kernel, kernel, kBlocks, 1U, 1U, kThreads, 1U, 1U, 0U, nullptr,
             parameters, nullptr)) {
      kernel_ran_ = call(cuda_.ctx_synchronize);
      return kernel_ran_;
    }
    return missing_ == nullptr && is_about_ptx(result_) && fill_instead();
  }

  bool fill_instead() {
    line("context-note")
        .word("no kernel was run, only memory operations:")
        .word(last_call_)
        .text(": CUDA error")
        .word(result_)
        .send();
    return call(cuda_.memset_d32, memory_, seed_, size_t{kWords}) && call(cuda_.ctx_synchronize);
  }

  bool read_back() {
    if (!call(cuda_.memcpy_dtoh, words_, memory_, sizeof words_)) return false;
    correct_ = true;
    for (unsigned i = 0; i < kWords; ++i)
      if (words_[i] != (kernel_ran_ ? kernel_word(i, seed_) : seed_)) correct_ = false;
    return true;
  }

  void write_result() {
    line("context")
        .word(result_)
        .word(last_call_)
        .word(kernel_ran_)
        .word(correct_)
        .word(now_microseconds() - started_)
        .send();
  }

  // After the result: what goes wrong here does not change it. The context must be gone
  // before the command starts, or an exclusive device would be busy.
  bool clean_up() {
    if (module_ != nullptr && cuda_.module_unload) call(cuda_.module_unload, module_);
    if (memory_ != 0 && cuda_.mem_free) call(cuda_.mem_free, memory_);
    return !retained_ || (cuda_.primary_ctx_release && call(cuda_.primary_ctx_release, device_));
  }

  Line line(const char* key) const { return Line(key).word(index_); }

  const DriverApi& cuda_;
  int index_;
  CUdevice device_;
  size_t started_;
  unsigned seed_ = 0;
  unsigned words_[kWords] = {};

  const char* missing_ = nullptr;
  const char* last_call_ = "";
  CUresult result_ = CUDA_SUCCESS;
  bool retained_ = false;
  bool kernel_ran_ = false;
  bool correct_ = false;
  CUdeviceptr memory_ = 0;
  CUmodule module_ = nullptr;
};

}  // namespace

bool try_context(const DriverApi& cuda, int index, CUdevice device) {
  Line("trial").word(index).send();
  const bool clean = Trial(cuda, index, device).run();
  Line("trial-end").word(index).send();
  return clean;
}

}  // namespace gpuinit::cuda_probe
