// Writes the lines of the answer (gpuinit/probe_protocol.h), one write(2) each: what was
// written before a hang or a crash arrives, and the lines of several threads do not mix.
#pragma once

#include <cuda.h>
#include <stddef.h>

namespace gpuinit::cuda_probe {

class Line {
 public:
  explicit Line(const char* key) { text(key); }

  // Control characters become '?'; what does not fit is cut.
  Line& text(const char* value);
  Line& number(size_t value);
  // 16 bytes as 8-4-4-4-12 hexadecimal digits, as nvidia-smi prints them.
  Line& uuid(const char* prefix, const CUuuid& value);

  Line& space() { return character(' '); }
  Line& word(const char* value) { return space().text(value); }
  Line& word(size_t value) { return space().number(value); }
  Line& word(int value) { return word(static_cast<size_t>(value)); }

  // Never returns if gpuinit has stopped reading: the probe then has no purpose.
  void send();

 private:
  Line& character(char c);

  static constexpr int kCapacity = 400;  // kMaxLine is more: what gpuinit reads is never cut
  char buffer_[kCapacity + 1];           // + '\n'
  int length_ = 0;
};

inline constexpr int kNoDevice = -1;

// `step <call>`, or `step <call> <device>`.
void write_step(const char* call, int device = kNoDevice);
// `no <key> <call>: CUDA error <result>`.
void write_error(const char* key, const char* call, CUresult result);
// `no <key> libcuda.so.1 has no <symbol>`, or `no <key> <device> libcuda.so.1 …`.
void write_missing(const char* key, const char* symbol, int device = kNoDevice);

}  // namespace gpuinit::cuda_probe
