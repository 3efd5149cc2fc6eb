// The ld.so.cache of an image is as untrusted as the rest of it.
#include <cstddef>
#include <cstdint>

#include "base/byte_source.h"
#include "ldso/ld_so_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gpuinit::base::MemorySource source(std::as_bytes(std::span(data, size)), "fuzz");
  (void)gpuinit::ldso::read_ld_so_cache(source);
  return 0;
}
