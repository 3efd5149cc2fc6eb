// A recording of any bytes; what was understood must come back from its own text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "warmup/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuinit::warmup;
  const auto plan = parse_recording({reinterpret_cast<const char*>(data), size});
  if (!plan) return 0;
  for (const FilePart& part : *plan)
    for (const Range& range : part.ranges)
      if (range.length == 0 || range.offset + range.length > part.size) std::abort();
  const auto again = parse_recording(recording_text(*plan));
  if (!again) std::abort();
  return 0;
}
