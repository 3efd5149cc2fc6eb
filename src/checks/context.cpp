#include "checks/context.h"

#include <algorithm>

#include "base/glob.h"
#include "base/text.h"
#include "checks/finding_builder.h"
#include "checks/frameworks.h"
#include "rules/version.h"

namespace gpuinit::checks {

std::uint64_t glibc_minor(const ImageFacts& image) {
  if (!image.glibc) return 0;
  return base::parse_number(image.glibc->substr(image.glibc->find('.') + 1)).value_or(0);
}

bool is_for(const Accept& entry, std::string_view id, std::string_view thing) {
  return entry.check == id && (base::matches_glob(entry.about, thing) ||
                               base::names_package(entry.about, thing.substr(0, thing.find('/'))));
}

bool has_ended(const Accept& entry, std::string_view today) {
  return !entry.until.empty() && entry.until < today;
}

bool Context::accepts(std::string_view thing) const {
  return std::ranges::any_of(policy.accept, [&](const Accept& entry) {
    return is_for(entry, running, thing) && !has_ended(entry, today);
  });
}

Level Context::level(std::string_view id) const {
  const auto found = policy.checks.find(std::string(id));
  return found == policy.checks.end() ? Level::kFail : found->second;
}

bool Context::has_failed(std::string_view id) const {
  return std::find(failed.begin(), failed.end(), id) != failed.end();
}

bool Context::suppresses(std::string_view cause, std::string_view id) const {
  static_assert(Level::kFail < Level::kWarn && Level::kWarn < Level::kOff);
  const bool warned = std::find(only_warned.begin(), only_warned.end(), cause) != only_warned.end();
  if (warned && running_only_warns.empty()) return false;
  return (warned || has_failed(cause)) && level(cause) <= level(id);
}

std::optional<Finding> Context::skip_if_failed(std::string_view causes) const {
  for (const auto cause : base::split_words(causes))
    if (suppressed_by(cause)) return skipped(std::string(cause) + " failed");
  return std::nullopt;
}

std::optional<Finding> Context::no_gpu_needed() const {
  if (policy.gpu.required == GpuRequired::kNo)
    return skipped("the policy says that no GPU is needed");
  if (policy.gpu.required == GpuRequired::kYes || frameworks_need_gpu(image, policy))
    return std::nullopt;
  if (image.interpreter.is_absent()) return skipped("no Python in the image, so no torch");
  if (image.torch.is_absent()) return skipped("no torch in the image");
  const std::string what = "cannot tell whether a GPU is needed";
  if (!image.torch) return unknown(what, image.torch.reason());
  if (image.torch->cuda) return std::nullopt;
  if (image.torch->hip)
    return skipped("torch is a ROCm build, and only NVIDIA GPUs are judged here");
  if (image.torch->cuda.is_absent()) return skipped("torch is a CPU build");
  return unknown(what, image.torch->cuda.reason());
}

bool Context::interpreter_from_policy() const {
  if (!image.interpreter || image.interpreter->from_command || policy.python.interpreter.empty())
    return false;
  const std::string& wanted = policy.python.interpreter;
  const std::string& path = image.interpreter->path;
  if (path == wanted) return true;
  if (wanted.find('/') == std::string::npos && path.ends_with("/" + wanted)) return true;
  // Through a shim the path is another; then only the reader knows.
  return image.interpreter->chosen_because.ends_with("python.interpreter of the policy");
}

bool Context::interpreter_is_guess() const {
  // Without a command the fallback itself is what is judged (`gpuinit --check`).
  if (image.command.empty() || interpreter_from_policy()) return false;
  if (image.interpreter) return !image.interpreter->from_command;
  // A Python that the command or the policy names and that is not there is no guess.
  return image.interpreter.is_absent() && !image.program.is_absent() &&
         policy.python.interpreter.empty();
}

std::string Context::only_warns_because(const CheckInfo& check) const {
  if (image.program && !image.program->needs_no_gpu.empty()) return image.program->needs_no_gpu;
  const bool because_of_image = check.needs_gpu && policy.gpu.required == GpuRequired::kAuto;
  const Framework* falling_back = nullptr;
  if (because_of_image && image.frameworks && frameworks_need_gpu(image, policy)) {
    for (const Framework& framework : *image.frameworks) {
      const bool stops = surely_stops(framework, Hindered::kGpu, image, policy);
      if (stops && !check.needs_certain_interpreter) return "";
      if (!stops && framework.for_gpu) falling_back = &framework;
    }
  }
  if (falling_back != nullptr && falling_back->runs && !check.needs_certain_interpreter)
    return joined({falling_back->name, ": ", why_only_warned(*falling_back, Hindered::kGpu)});
  if (interpreter_is_guess() && (check.needs_certain_interpreter || because_of_image))
    return why_interpreter_is_guess();
  if (falling_back == nullptr || (image.torch && image.torch->cuda)) return "";
  return joined({falling_back->name, ": ", why_only_warned(*falling_back, Hindered::kGpu)});
}

std::string Context::why_interpreter_is_guess() const {
  const std::string where = image.program.known() ? image.program->path + " is not Python"
                            : image.program.reason().empty()
                                ? std::string("the command was not followed to its Python")
                                : image.program.reason();
  return where + "; python.interpreter in the policy makes this certain";
}

std::optional<std::string> Context::variable(const std::string& name) const {
  if (!node.environment) return std::nullopt;
  const auto found = node.environment->find(name);
  if (found == node.environment->end()) return std::nullopt;
  return found->second;
}

bool Context::probe_loaded_libcuda() const {
  return node.probe.known() && node.probe->load_error.is_absent();
}

bool Context::outcome_reflects_driver() const {
  return node.probe.known() && node.probe->refused_calls.empty() && !node.probe->out_of_memory;
}

std::optional<int> Context::init_error() const {
  if (!node.probe || !node.probe->init_error) return std::nullopt;
  return *node.probe->init_error;
}

std::optional<Finding> Context::skip_without_devices() const {
  return sees_devices() ? std::nullopt : skip_if_failed(kCausesOfNoDevice);
}

bool Context::sees_devices() const { return node.devices.known() && !node.devices->empty(); }

bool Context::sees_no_device() const {
  constexpr int kNoDevice = 100;
  return init_error() == kNoDevice || (node.devices.known() && node.devices->empty());
}

bool Context::wants(std::size_t count) const {
  const auto range = rules::parse_version_range(policy.gpu.count);
  return range && range->contains(rules::Version{{static_cast<unsigned>(count)}, ""});
}

}  // namespace gpuinit::checks
