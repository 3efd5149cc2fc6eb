// The values in the CUDA probe's answer, each bounded and in the one form it can have;
// no value: it is not in that form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpuinit::probe {

// Decimal digits only, at most `limit`.
std::optional<std::uint64_t> number(std::string_view text, std::uint64_t limit);

// A CUresult.
std::optional<int> result_code(std::string_view text);

// "12020" is CUDA 12.2 (cuDriverGetVersion: 1000 × major + 10 × minor).
std::optional<std::string> cuda_version(std::string_view text);

// "9.0"
std::optional<std::string> capability(std::string_view text);

// "GPU-" or "MIG-" and 8-4-4-4-12 lower-case hexadecimal digits.
std::optional<std::string> uuid(std::string_view text);

// "1" or "0"
std::optional<bool> yes_or_no(std::string_view text);

// Any text but none; printable, cut where it is unreasonably long.
std::optional<std::string> words(std::string_view text);

}  // namespace gpuinit::probe
