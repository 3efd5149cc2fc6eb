// A pyvenv.cfg of any bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "image/python/python_home.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)gpuinit::image::parse_venv_config({reinterpret_cast<const char*>(data), size});
  return 0;
}
