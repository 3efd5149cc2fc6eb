#include "rules/device_name.h"

#include <algorithm>
#include <span>

#include "base/glob.h"
#include "base/text.h"
#include "rules/tables/gpu_names.h"

namespace gpuinit::rules {

namespace {

// "a10" is in "NVIDIA A10", "NVIDIA A10G" and "A10-24Q", and not in "NVIDIA A1000".
bool names_model(const std::string& name, std::string_view model) {
  const std::string padded = " " + name + " ";
  const auto at = padded.find(" " + std::string(model));
  if (at == std::string::npos) return false;
  const char after = padded[at + 1 + model.size()];
  return after == ' ' || after == '-' || after == 'g' || after == 's';
}

bool names_one_of(const std::string& name, std::span<const std::string_view> models) {
  return std::ranges::any_of(models, [&](auto model) { return names_model(name, model); });
}

// As words with one blank in front of each, and one at the end.
std::string words_of(std::string_view name) {
  std::string text = base::lower(name);
  std::ranges::replace(text, '-', ' ');
  std::string words = " ";
  for (const auto word : base::split_words(text)) words.append(word).append(" ");
  return words;
}

}  // namespace

std::vector<std::string> brands_of(std::string_view device_name) {
  const std::string name = base::lower(device_name);
  const auto has = [&](std::string_view word) { return name.find(word) != std::string::npos; };
  if (has("grid") || has("vgpu")) return {};  // the licence decides, not the name
  if (has("geforce")) return {"geforce", "geforcertx", "unknown"};
  if (has("titan")) return {"titan", "titanrtx", "unknown"};
  if (has("quadro")) return {"quadro", "quadrortx", "unknown"};
  if (has("nvidia rtx")) return {"nvidiartx", "quadrortx", "quadro", "nvidia", "unknown"};
  if (has("tesla") || names_one_of(name, tables::kDataCenterGpus))
    return {"tesla", "nvidia", "unknown"};
  return {};
}

bool can_be_split(std::string_view device_name) {
  return names_one_of(base::lower(device_name), tables::kSplittableGpus);
}

bool is_called(std::string_view device_name, std::string_view wanted) {
  const std::string name = words_of(device_name);
  const std::string words = words_of(wanted);
  return wanted.find_first_of("*?") == std::string_view::npos
             ? name.find(words) != std::string::npos
             : base::matches_glob(base::trim(words), base::trim(name));
}

}  // namespace gpuinit::rules
