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
  for (const Piece& piece : plan->pieces) {
    const PlannedFile& file = plan->files.at(piece.file);
    const bool is_empty = piece.range.length == 0;
    if (is_empty != (file.kind == PlannedFile::Kind::kName)) std::abort();
    if (!is_empty && piece.range.offset + piece.range.length > file.size) std::abort();
  }
  const auto again = parse_recording(recording_text(*plan));
  if (!again || again->pieces.size() != plan->pieces.size()) std::abort();
  return 0;
}
