// What the CUDA probe writes to its pipe, and gpuinit reads: lines of text.
//
//   gpuinit-cuda-probe 2          first line: name and protocol version
//   step cuInit                   before each call that may hang or crash
//   step cuDeviceGet 3            the same, about one device
//   load-error <text>             dlopen of libcuda.so.1 failed; `end` follows
//   driver-version 12020          cuDriverGetVersion
//   init <CUresult>               cuInit; `end` follows if it is not 0
//   device-count <n>
//   device <index>                0, 1, …; the following lines are about this device
//   name <text>
//   uuid GPU-… | MIG-…
//   compute-capability <major>.<minor>
//   memory <total bytes>
//   mig 0|1
//   compute-mode <CUcomputemode>
//   enumerated                    all devices have been described
//   trial <index>                 a context is tried on this device, others perhaps meanwhile
//   memory-free <index> <bytes>   only known inside a context
//   context-note <index> <text>   why no kernel of our own ran
//   context <index> <CUresult> <call> <kernel-ran 0|1> <correct 0|1> <microseconds>
//   trial-end <index>             the device has been cleaned up
//   holding                       all contexts are gone, and after `end` the probe does not
//                                 exit: it stays an open client of the driver until killed
//   no <key> <text>               instead of the line <key>: why it has no value
//                                 (driver-version, init, devices, name, uuid, …)
//   no <key> <index> <text>       the same for memory-free and context
//   end                           last line; without it the answer is not whole
//
// A child that could not become the probe says so instead of the first line:
//
//   not-started <text>            why: each thing that was tried and refused
//   no-loader <text>              the program is there, its loader is not (musl, distroless)
//
// Lines end with '\n' and are at most kMaxLine bytes long with it. Values are text
// without control characters. Unknown keys (lower case, digits, '-') are ignored: a
// newer installed probe may say more. A known key in the wrong place, twice, or with an
// impossible value makes the answer garbled, and nothing in it is believed.
// Devices are described before the first context is tried, so that a hang there loses
// nothing that was known before. The trials then run at the same time where the image's C
// library has threads. Their lines interleave, each with its device's index; a single line
// is one write(2) of less than PIPE_BUF bytes, which is never split.
//
// The probe is freestanding: this header needs nothing.
#pragma once

namespace gpuinit::probe_protocol {

inline constexpr char kGreeting[] = "gpuinit-cuda-probe 2";
inline constexpr int kMaxLine = 512;
inline constexpr int kMaxAnswer = 256 * 1024;  // bytes of a whole answer
inline constexpr int kMaxDevices = 64;
inline constexpr int kPipeFd = 3;  // the probe's end of the pipe

// argv[1] of the probe: what to ask for.
inline constexpr char kAskDevices[] = "devices";
inline constexpr char kAskContext[] = "context";
// argv[2], optional: to stay afterwards (`holding`).
inline constexpr char kAskHold[] = "hold";

}  // namespace gpuinit::probe_protocol
