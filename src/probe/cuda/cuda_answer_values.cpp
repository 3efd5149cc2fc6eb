#include "probe/cuda/cuda_answer_values.h"

namespace gpuinit::probe {

namespace {

constexpr std::uint64_t kMaxResult = 100'000;     // CUresult ends at 999
constexpr std::uint64_t kMaxVersion = 1'000'000;  // CUDA 1000

}  // namespace

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t limit) {
  const auto value = base::parse_number(text);
  return value && *value <= limit ? value : std::nullopt;
}

std::optional<int> result_code(std::string_view text) {
  const auto value = number(text, kMaxResult);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<std::string> words(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return base::printable(text, kMaxText);
}

std::optional<std::string> cuda_version(std::string_view text) {
  const auto value = number(text, kMaxVersion);
  if (!value || *value < 1000) return std::nullopt;
  return std::to_string(*value / 1000) + "." + std::to_string(*value % 1000 / 10);
}

std::optional<std::string> capability(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto major = number(text.substr(0, dot), 999);
  const auto minor = number(text.substr(dot + 1), 99);
  if (!major || !minor) return std::nullopt;
  return std::to_string(*major) + "." + std::to_string(*minor);
}

std::optional<std::string> uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  constexpr std::string_view kHex = "0123456789abcdef";
  if (!text.starts_with("GPU-") && !text.starts_with("MIG-")) return std::nullopt;
  const auto digits = text.substr(4);
  if (digits.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == 'x' ? kHex.find(digits[i]) == std::string_view::npos : digits[i] != '-')
      return std::nullopt;
  return std::string(text);
}

std::optional<bool> yes_or_no(std::string_view text) {
  if (text != "0" && text != "1") return std::nullopt;
  return text == "1";
}

}  // namespace gpuinit::probe
