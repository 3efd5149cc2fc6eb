#include "write_answer.h"

#include <errno.h>
#include <unistd.h>

#include "gpuinit/probe_protocol.h"

namespace gpuinit::cuda_probe {

Line& Line::character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (length_ < kCapacity) buffer_[length_++] = byte < 0x20 || byte == 0x7F ? '?' : c;
  return *this;
}

Line& Line::text(const char* value) {
  for (; *value != '\0'; ++value) character(*value);
  return *this;
}

Line& Line::number(size_t value) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count > 0) character(digits[--count]);
  return *this;
}

Line& Line::uuid(const char* prefix, const CUuuid& value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  text(prefix);
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) character('-');
    const auto byte = static_cast<unsigned char>(value.bytes[i]);
    character(kDigits[byte >> 4]).character(kDigits[byte & 0xF]);
  }
  return *this;
}

void Line::send() {
  buffer_[length_++] = '\n';
  const char* rest = buffer_;
  while (length_ > 0) {
    const ssize_t written = ::write(probe_protocol::kPipeFd, rest, static_cast<size_t>(length_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);
    rest += written;
    length_ -= static_cast<int>(written);
  }
}

void write_step(const char* call, int device) {
  Line line("step");
  line.word(call);
  if (device != kNoDevice) line.word(device);
  line.send();
}

void write_error(const char* key, const char* call, CUresult result) {
  Line("no").word(key).word(call).text(": CUDA error").word(result).send();
}

void write_missing(const char* key, const char* symbol, int device) {
  Line line("no");
  line.word(key);
  if (device != kNoDevice) line.word(device);
  line.word("libcuda.so.1 has no").word(symbol).send();
}

}  // namespace gpuinit::cuda_probe
