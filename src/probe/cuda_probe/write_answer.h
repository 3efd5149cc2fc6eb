// Writes the lines of the answer (gpuinit/probe_protocol.h), one write(2) each, so that
// what was said before a hang or a crash has been said, and that the lines of several
// threads do not mix.
#pragma once

#include <cuda.h>

namespace gpuinit::cuda_probe {

class Line {
 public:
  explicit Line(const char* key) { text(key); }

  // Control characters become '?'; what does not fit is cut.
  Line& text(const char* value);
  Line& number(unsigned long long value);
  // 16 bytes as 8-4-4-4-12 hexadecimal digits, as nvidia-smi prints them.
  Line& uuid(const char* prefix, const CUuuid& value);

  Line& space() { return character(' '); }
  Line& word(const char* value) { return space().text(value); }
  Line& word(unsigned long long value) { return space().number(value); }

  // Never returns if nobody reads any more: the probe then has no purpose.
  void send();

 private:
  Line& character(char c);

  static constexpr int kCapacity = 400;  // kMaxLine is more: what gpuinit reads is never cut
  char buffer_[kCapacity + 1];           // + '\n'
  int length_ = 0;
};

// `step <call>`, or `step <call> <device>`.
void say_step(const char* call);
void say_step(const char* call, int device);

// `no <key> <call>: CUDA error <result>`.
void say_no(const char* key, const char* call, CUresult result);
// `no <key> libcuda.so.1 has no <symbol>`; `device`: `no <key> <device> libcuda.so.1 …`.
void say_missing(const char* key, const char* symbol);
void say_missing(const char* key, int device, const char* symbol);

}  // namespace gpuinit::cuda_probe
