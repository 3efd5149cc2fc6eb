// How much of a library's device code a GPU can run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/tristate.h"
#include "rules/compute_capability.h"

namespace gpuinit::checks {

// Whether the driver compiles PTX of this ISA version ("8.4") at load time.
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
  std::string blocked_isa;     // a PTX ISA version among the blocked
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

}  // namespace gpuinit::checks
