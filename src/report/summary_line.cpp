// The facts in one clause: what ran on what. Only what is known is said.
#include <map>

#include "base/text.h"
#include "report/report_text.h"

namespace gpuinit::report {

namespace {

// Versions and names come from files of the image: short, and printable.
std::string shown(const std::string& text) { return base::printable(text, 60); }

std::string python_of(const ImageFacts& image) {
  if (image.interpreter.is_absent()) return "no Python";
  if (!image.interpreter) return "";
  const auto& version = image.interpreter->version;
  return version ? "python " + shown(*version) : "";
}

std::string torch_of(const ImageFacts& image) {
  if (image.torch.is_absent() || image.interpreter.is_absent()) {
    if (!image.frameworks || image.frameworks->empty())
      return image.torch.is_absent() ? "no torch" : "";
    const Framework& framework = image.frameworks->back();
    std::string text = shown(framework.name);
    if (framework.version) text += " " + shown(*framework.version);
    return framework.cuda ? text + " (CUDA " + shown(*framework.cuda) + ")" : text;
  }
  if (!image.torch) return "";
  const auto& torch = *image.torch;
  std::string text = "torch";
  if (torch.version) text += " " + shown(*torch.version);
  if (torch.cuda) return text + " (CUDA " + shown(*torch.cuda) + ")";
  if (torch.hip) return text + " (ROCm " + shown(*torch.hip) + ")";
  if (torch.cuda.is_absent() && torch.hip.is_absent()) return text + " (CPU build)";
  return torch.version ? text : "";
}

std::string driver_of(const Driver& driver) {
  if (driver.kernel_version.is_absent()) return "no NVIDIA driver";
  if (driver.kernel_version && driver.cuda_version)
    return "driver " + shown(*driver.kernel_version) + " (CUDA " + shown(*driver.cuda_version) +
           ")";
  if (driver.kernel_version) return "driver " + shown(*driver.kernel_version);
  if (driver.cuda_version) return "driver for CUDA " + shown(*driver.cuda_version);
  return "";
}

// "8 × NVIDIA H100 80GB HBM3"; kinds in the order in which the driver has them.
std::string devices_of(const Fact<std::vector<Device>>& devices) {
  if (!devices) return "";
  if (devices->empty()) return "no GPU";
  std::vector<std::pair<std::string, std::size_t>> kinds;
  for (const auto& device : *devices) {
    std::string name = "GPU";
    if (device.name) name = shown(*device.name);
    else if (device.compute_capability)
      name = "GPU of compute capability " + shown(*device.compute_capability);
    std::size_t i = 0;
    while (i < kinds.size() && kinds[i].first != name) ++i;
    if (i == kinds.size()) kinds.emplace_back(name, 0);
    ++kinds[i].second;
  }
  constexpr std::size_t kMaxKinds = 4;
  std::vector<std::string> parts;
  for (const auto& [name, count] : kinds) {
    if (parts.size() == kMaxKinds) {
      parts.push_back("…");
      break;
    }
    parts.push_back(std::to_string(count) + " × " + name);
  }
  return base::join_with(parts, ", ");
}

}  // namespace

std::string guess_of(const ImageFacts& image) {
  if (image.command.empty() || !image.interpreter || image.interpreter->from_command ||
      !image.program.is_unknown())
    return "";
  std::string_view why = image.program.reason();
  constexpr std::string_view kSaidAlready = "the command was ";
  if (why.starts_with(kSaidAlready)) why.remove_prefix(kSaidAlready.size());
  return "guessed " + base::printable(image.interpreter->path, 120) + ": " +
         base::printable(why, 200);
}

std::string summary_of(const Facts& facts) {
  std::vector<std::string> parts;
  for (auto part : {python_of(facts.image), torch_of(facts.image), driver_of(facts.node.driver),
                    devices_of(facts.node.devices)})
    if (!part.empty()) parts.push_back(std::move(part));
  return base::join_with(parts, ", ");
}

}  // namespace gpuinit::report
