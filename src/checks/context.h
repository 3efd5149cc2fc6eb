// What several checks need to know: facts, policy, and what has failed so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/check_info.h"
#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"

namespace gpuinit::checks {

// Every check whose failure can be why there is no device to look at.
inline constexpr std::string_view kCausesOfNoDevice =
    "cuda.capabilities cuda.compat cuda.libcuda cuda.driver cuda.visible-devices "
    "device.permissions device.mode device.present";

struct Context {
  Context(const Facts& facts, const Policy& checked_policy)
      : image(facts.image), node(facts.node), policy(checked_policy) {}

  const ImageFacts& image;
  const NodeFacts& node;
  const Policy& policy;
  std::string_view running;                   // id of the check that runs
  std::vector<std::string_view> failed;       // those that failed so far, warnings among them
  std::string running_only_warns;             // only_warns_because() of the check that runs
  std::vector<std::string_view> only_warned;  // those whose failures became warnings by it
  // A failure that would have stopped the command was not told, since the image could not be read.
  bool withheld = false;
  std::string_view today;  // "2026-11-29", for [[accept]]; empty: no entry ends

  // Whether the policy accepts what the check that runs has to say about `thing`, as in
  // Finding::about.
  bool accepts(std::string_view thing) const;

  Level level(std::string_view id) const;

  bool has_failed(std::string_view id) const;

  // True if `cause` failed and is taken at least as seriously as `id`, of the policy and of
  // only_warns_because(): then its finding speaks for what `id` would say. A cause that only warns
  // must not silence a failure.
  bool suppresses(std::string_view cause, std::string_view id) const;
  bool suppressed_by(std::string_view cause) const { return suppresses(cause, running); }

  // Of several causes, separated by blanks and nearest first: "cuda.libcuda failed", as a
  // finding. nullopt if none of them suppresses the check that runs.
  std::optional<Finding> skip_if_failed(std::string_view causes) const;

  // Where no device is seen: the same, of kCausesOfNoDevice. What is seen is judged anyway.
  std::optional<Finding> skip_without_devices() const;

  // Why the checks of driver and devices do not apply, as a finding; nullopt if a GPU is needed
  // (policy gpu.required; "auto": torch is a CUDA build).
  std::optional<Finding> no_gpu_needed() const;

  // The interpreter is a guess: the command is there but could not be followed to a Python, and
  // the policy does not name an interpreter either. What the command really runs may be another
  // Python (conda, a venv), so one that does not fit is only worth a warning then.
  bool interpreter_is_guess() const;

  // Why a failure of `check` must not stop the command; empty if it may. What the command runs
  // needs no GPU (`pip`, a shell), or it is not known and the check judges what was guessed.
  std::string only_warns_because(const CheckInfo& check) const;

  // One clause; where interpreter_is_guess().
  std::string why_interpreter_is_guess() const;

  // The policy's python.interpreter was taken.
  bool interpreter_from_policy() const;

  // An environment variable of the command; nullopt if it is unset or not known.
  std::optional<std::string> variable(const std::string& name) const;

  // The probe got libcuda.so.1 loaded, whatever the file search says.
  bool probe_loaded_libcuda() const;
  // How the probe ended says something about the driver: its sandbox refused it nothing, and
  // the memory did not run out.
  bool outcome_reflects_driver() const;
  // cuInit's CUresult; nullopt if the probe did not get that far.
  std::optional<int> init_error() const;
  // The driver listed at least one device, so whatever it needs is there.
  bool sees_devices() const;
  // The driver was asked and has no device to show.
  bool sees_no_device() const;
  // gpu.count of the policy is content with `count` devices.
  bool wants(std::size_t count) const;
};

// `entry` of the policy is for that; whether it has ended is another question.
bool is_for(const Accept& entry, std::string_view id, std::string_view thing);
bool has_ended(const Accept& entry, std::string_view today);

// 36 of glibc 2.36; 0: another libc, or not known.
std::uint64_t glibc_minor(const ImageFacts& image);

}  // namespace gpuinit::checks
