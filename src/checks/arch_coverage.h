// How much of torch's or a library's device code a GPU can run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/tristate.h"
#include "rules/compute_capability.h"

namespace gpuinit::checks {

// Whether the driver compiles PTX of this ISA version ("8.4"), if that is known, at load time.
using JitRule = std::function<Tristate(const Fact<std::string>& isa)>;

// Fatbin containers by what becomes of them on the device; each counts once, under
// the best that holds.
struct Coverage {
  std::uint64_t total = 0;
  std::uint64_t native = 0;    // machine code for it
  std::uint64_t jit = 0;       // PTX that the driver compiles
  std::uint64_t unknown = 0;   // PTX the driver may compile, or targets that are not known here
  std::uint64_t doubtful = 0;  // machine code across the border to integrated GPUs
  std::uint64_t blocked = 0;   // PTX for it, which the driver cannot compile
  // A PTX ISA version among the blocked.
  Fact<std::string> blocked_isa = Fact<std::string>::unknown("");
};

Coverage coverage_of(const std::vector<FatbinGroup>& groups, rules::ComputeCapability device,
                     const JitRule& jit);

enum class CoverageVerdict {
  kGood,       // most of the code runs as it is
  kSlowStart,  // most runs, but by JIT
  kDoubtful,   // most runs if machine code crosses the border to integrated GPUs
  kPartial,    // some runs, less than half
  kUnknown,    // what it may be able to run decides
  kNothing,    // no code for the device
  kBlocked,    // code for the device, as PTX that this driver cannot compile
};

CoverageVerdict verdict_of(const Coverage& coverage);

struct TorchCode {
  std::vector<FatbinGroup> groups;
  std::vector<std::string> targets;  // all of them, sorted as versions
  bool from_arch_list = false;
};

// nullopt if it is not known, or nothing in it can hold a kernel.
std::optional<TorchCode> code_in(const Fact<DeviceCode>& device_code);

// nullopt if neither the device code nor the arch list is known.
std::optional<TorchCode> code_of(const Torch& torch);

// nullopt if the device's compute capability is not known.
std::optional<rules::ComputeCapability> capability_of(const Device& device);

// Devices of one compute capability.
struct DeviceKind {
  rules::ComputeCapability capability;
  std::vector<std::size_t> indices;
  std::string words;  // "NVIDIA H100 80GB HBM3, compute capability 9.0"

  std::string text() const;  // "GPUs 0-3 (NVIDIA H100 80GB HBM3, compute capability 9.0)"
};

// By rising capability, without the devices whose capability is not known.
std::vector<DeviceKind> kinds_of(const std::vector<Device>& devices);

}  // namespace gpuinit::checks
