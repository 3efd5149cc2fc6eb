// What the CUDA probe writes to its pipe, and gpuinit reads: lines of text.
//
//   gpuinit-cuda-probe 1          first line: name and protocol version
//   step cuInit                   printed before each call that may hang or crash
//   load-error <text>             dlopen of libcuda.so.1 failed; `end` follows
//   driver-version 12020          cuDriverGetVersion
//   init <CUresult>               cuInit
//   device-count <n>
//   device <index>                the following lines are about this device
//   name <text>
//   uuid GPU-… | MIG-…
//   compute-capability <major>.<minor>
//   memory <total bytes>
//   memory-free <bytes>           only known inside a context
//   mig 0|1
//   compute-mode <CUcomputemode>
//   context-note <text>           why no kernel of our own ran
//   context <CUresult> <call> <kernel-ran 0|1> <correct 0|1> <microseconds>
//   end                           last line; without it the answer is not whole
//
// Lines end with '\n', are at most kMaxLine bytes long, unknown keys are
// ignored (a newer installed probe may say more). Values are text without
// control characters. The probe is freestanding: this header needs nothing.
#pragma once

namespace gpuinit::probe_protocol {

inline constexpr char kGreeting[] = "gpuinit-cuda-probe 1";
inline constexpr int kMaxLine = 512;
inline constexpr int kMaxAnswer = 256 * 1024;  // bytes of a whole answer
inline constexpr int kMaxDevices = 64;
inline constexpr int kPipeFd = 3;              // the probe's end of the pipe

// argv[1] of the probe: what to ask for.
inline constexpr char kAskDevices[] = "devices";
inline constexpr char kAskContext[] = "context";

}  // namespace gpuinit::probe_protocol
