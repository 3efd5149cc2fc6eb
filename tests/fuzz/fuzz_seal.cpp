// A seal of any bytes behind the right first line; what was understood must come back from its own
// text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "facts/seal_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuinit;
  static const std::string head = [] {
    const std::string text = facts::seal_text(Seal(), "");
    return text.substr(0, text.find(' ', std::string("gpuinit-seal 1 ").size()) + 1);
  }();
  std::string text = head + std::to_string(size) + " 0\n";
  text.append(reinterpret_cast<const char*>(data), size);
  const base::MemorySource file(std::as_bytes(std::span(text)), "seal");
  const auto seal = facts::read_seal(file);
  if (!seal) return 0;
  const std::string own = facts::seal_text(*seal, "");
  const auto again = facts::read_seal(base::MemorySource(std::as_bytes(std::span(own)), "seal"));
  if (!again || facts::seal_text(*again, "") != own) std::abort();
  return 0;
}
