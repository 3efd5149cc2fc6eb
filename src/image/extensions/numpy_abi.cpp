#include "image/extensions/numpy_abi.h"

#include <string_view>

#include "image/string_scan.h"

namespace gpuinit::image {

namespace {

constexpr std::string_view kNumpy1 = "numpy.core._multiarray_umath";
constexpr std::string_view kNumpy2 = "numpy._core._multiarray_umath";

bool is_numpy(std::string_view text) { return text.ends_with(kNumpy1) || text.ends_with(kNumpy2); }

}  // namespace

Fact<std::string> read_numpy_abi(const elf::ElfFile& elf) {
  auto strings = scan_strings(elf, {kNumpy1, kNumpy2}, is_numpy);
  if (!strings) return Fact<std::string>::unknown(strings.error().message);
  if (strings->empty())
    return Fact<std::string>::absent(elf.source().name() + " does not use NumPy's C API");
  for (const std::string& text : *strings)
    if (text.ends_with(kNumpy2)) return std::string("2");
  return std::string("1");
}

}  // namespace gpuinit::image
