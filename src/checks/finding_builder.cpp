#include "checks/finding_builder.h"

#include <algorithm>
#include <utility>

#include "base/gpu_device_path.h"
#include "base/text.h"
#include "checks/check.h"

namespace gpuinit::checks {

namespace {

Finding make(Severity severity, int exit_code, std::string summary) {
  Finding finding;
  finding.severity = severity;
  finding.exit_code = exit_code;
  finding.summary = std::move(summary);
  return finding;
}

// "torch._C built for" as "torch-c-built-for", "libcuda's release" as "libcudas-release".
std::string slug(std::string_view text) {
  std::string key;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) key += lower;
    else if (c != '\'' && !key.empty() && key.back() != '-') key += '-';
  }
  return key;
}

}  // namespace

Finding failure(int exit_code, std::string summary) {
  return make(Severity::kFail, exit_code, std::move(summary));
}

Finding warning(std::string summary) {
  return make(Severity::kWarn, kExitGood, std::move(summary));
}

Finding unknown(const std::string& what, const std::string& reason) {
  Finding finding = make(Severity::kUndecided, kExitGood, what + because(reason));
  finding.reason = reason;
  return finding;
}

Finding skipped(std::string summary) {
  return make(Severity::kSkipped, kExitGood, std::move(summary));
}

Finding note(Finding finding) {
  finding.severity = Severity::kSkipped;
  finding.exit_code = kExitGood;
  return finding;
}

Finding warning_only(Finding finding, std::string because) {
  finding.severity = Severity::kWarn;
  add_evidence(finding, "only a warning because", std::move(because));
  return finding;
}

void add_evidence(Finding& finding, Label label, std::string value) {
  add_evidence(finding, label, label.text(), std::move(value));
}

void add_evidence(Finding& finding, Label key, std::string_view label, std::string value) {
  finding.evidence.push_back({slug(key.text()), std::string(label), std::move(value)});
}

void add_kernel_driver(Finding& finding, const Driver& driver) {
  if (!driver.kernel_version.is_unknown())
    add_evidence(finding, "kernel driver", driver.kernel_version.value_or("none"));
}

void add_driver(Finding& finding, const Driver& driver) {
  add_kernel_driver(finding, driver);
  if (driver.libcuda) {
    const LibCuda& library = *driver.libcuda;
    std::string text = library.path;
    if (library.real_path != library.path && !library.real_path.empty())
      text += " -> " + library.real_path;
    if (!library.found_by.empty()) text += " (" + library.found_by + ")";
    add_evidence(finding, "libcuda.so.1", std::move(text));
    if (library.version) add_evidence(finding, "libcuda's release", *library.version);
  } else if (driver.libcuda.is_absent()) {
    add_evidence(finding, "libcuda.so.1", "not found");
  }
}

void add_variables(Finding& finding, const Context& context,
                   std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto value = context.variable(name))
      add_evidence(finding, "variable", name, value->empty() ? "(empty)" : *value);
}

void add_interpreter(Finding& finding, const Interpreter& python) {
  add_evidence(finding, "interpreter", python.path);
  if (!python.chosen_because.empty())
    add_evidence(finding, "chosen because", python.chosen_because);
}

Findings::Findings(Finding finding) { push_back(std::move(finding)); }

Findings::Findings(std::optional<Finding> finding) {
  if (finding) push_back(*std::move(finding));
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

std::string because(const std::string& reason) { return reason.empty() ? "" : ": " + reason; }

std::string listed(const std::vector<std::string>& items, std::size_t limit) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), limit); ++i) {
    if (i > 0) text += ", ";
    text += items[i];
  }
  if (items.size() > limit) text += " and " + std::to_string(items.size() - limit) + " more";
  return text;
}

std::string gpus(const std::vector<std::size_t>& indices) {
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t last = i;
    while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
    std::string run = std::to_string(indices[i]);
    if (last > i) run += (last == i + 1 ? ", " : "-") + std::to_string(indices[last]);
    runs.push_back(std::move(run));
    i = last + 1;
  }
  return (indices.size() == 1 ? "GPU " : "GPUs ") + listed(runs, 8);
}

bool is_wsl(const NodeFacts& node) {
  return node.device_nodes.known() &&
         std::any_of(node.device_nodes->begin(), node.device_nodes->end(),
                     [](const auto& device) { return device.path == base::kWslDevice; });
}

}  // namespace gpuinit::checks
