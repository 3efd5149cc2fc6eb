// METADATA, WHEEL and RECORD of any bytes: whatever an image calls a distribution.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/byte_source.h"
#include "image/frameworks/torch_metadata.h"
#include "image/packages/core_metadata.h"

using namespace gpuinit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto metadata = image::parse_core_metadata(text);
  // A name is normalised once and for all.
  for (const char c : metadata.name)
    if (c == '_' || c == '.' || (c >= 'A' && c <= 'Z')) std::abort();
  (void)image::is_pure_wheel(text);
  (void)image::has_whole_head(text);
  for (std::string_view rest = text; !rest.empty();)
    if (image::take_recorded_path(rest).find('\n') != std::string_view::npos) std::abort();
  (void)image::libraries_in_record(
      base::MemorySource(std::as_bytes(std::span(data, size)), "fuzz"));
  return 0;
}
