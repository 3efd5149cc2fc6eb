// What several checks need to know: facts, policy, and what has failed so far.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"

namespace gpuinit::checks {

struct Context {
  Context(const Facts& facts, const Policy& checked_policy)
      : image(facts.image), node(facts.node), policy(checked_policy) {}

  const ImageFacts& image;
  const NodeFacts& node;
  const Policy& policy;
  std::vector<std::string> failed;  // ids of the checks that failed so far, warnings among them

  Level level(std::string_view id) const;

  // True if `cause` failed and the policy takes it at least as seriously as `id`:
  // then its finding speaks for what `id` would say. A cause that only warns
  // must not silence a failure.
  bool explained_by(std::string_view id, std::string_view cause) const;

  // The same for several, nearest cause first: "cuda.libcuda failed", as a finding.
  std::optional<Finding> explained(std::string_view id,
                                   std::initializer_list<std::string_view> causes) const;

  // The same for every check whose failure can be why there is no device to look at.
  std::optional<Finding> explained_absence(std::string_view id) const;

  // Why the checks of driver and devices do not apply, as a finding; no value if
  // a GPU is needed (policy gpu.required; "auto": torch is a CUDA build).
  std::optional<Finding> no_gpu_needed() const;

  // The interpreter is a guess: the command is there but could not be followed (a
  // shell script, `sh -c`), and the policy does not name an interpreter either. The
  // script may well run another Python (conda, a venv), so a Python that does not fit
  // is then worth a warning and no more.
  bool interpreter_is_guess() const;

  // The policy's python.interpreter was taken.
  bool interpreter_from_policy() const;

  // An environment variable of the command; no value if it is unset or not known.
  std::optional<std::string> variable(const std::string& name) const;

  // The probe got libcuda.so.1 loaded, whatever the file search says.
  bool probe_loaded_libcuda() const;
  // How the probe ended says something of the driver: its sandbox refused it nothing, and
  // the memory did not run out.
  bool probe_end_is_the_drivers() const;
  // cuInit's CUresult, if the probe got that far.
  std::optional<int> init_error() const;
  // The driver listed at least one device, so whatever it needs is there.
  bool sees_devices() const;
  // The driver was asked and has none to show.
  bool sees_no_device() const;
  // gpu.count of the policy is content with `count` devices.
  bool wants(std::size_t count) const;
};

}  // namespace gpuinit::checks
