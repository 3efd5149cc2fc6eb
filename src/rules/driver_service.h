// Can this driver serve this CUDA runtime, and how.
//
// Source: NVIDIA "CUDA Compatibility" (minor version compatibility, forward
// compatibility) and, for the note in forward-compatibility libraries, NVIDIA
// container toolkit, cmd/nvidia-cdi-hook/cudacompat.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/driver_table.h"
#include "rules/version.h"

namespace gpuinit::rules {

// The libcuda that the process will load, and the kernel module under it.
struct DriverStack {
  NativeCuda cuda;                      // the libcuda's CUDA version (UMD)
  std::optional<Version> kernel;        // the kernel module's release (KMD)
  bool forward_compat = false;          // the libcuda comes from a cuda-compat package
  std::optional<Version> libcuda;       // release of a cuda-compat libcuda, 570.86.15
  std::vector<int> supported_branches;  // kernel branches its note lists; empty if it lists none
  bool initialises = false;             // cuInit succeeded: libcuda and kernel module do fit
};

enum class Service {
  kNewer,          // the driver's CUDA is the runtime's or newer: no limits
  kMinorVersion,   // same family, older minor: works, but newer PTX and newer API calls do not
  kForwardCompat,  // a cuda-compat libcuda over an older kernel module
  kNo,
  kUnknown,  // a fact is missing or newer than the tables
};

struct ServiceAnswer {
  Service service = Service::kUnknown;
  enum class Because {
    kFits,
    kOlderFamily,      // the driver's CUDA belongs to an older family than the runtime
    kBelowFloor,       // same family, but the kernel module is below the family's minimum
    kCompatTooOld,     // the cuda-compat libcuda is older than the kernel module
    kBranchNotListed,  // the cuda-compat libcuda does not list the kernel module's branch
    kOnlyLowerBound,   // the driver's CUDA is known as "this or newer" only
  } because = Because::kFits;
};

// Why a cuda-compat libcuda cannot stand on this kernel module (kCompatTooOld,
// kBranchNotListed); nullopt if nothing speaks against it, or if it is not one.
std::optional<ServiceAnswer> compat_refused(const DriverStack& stack);

ServiceAnswer driver_serves(const Version& runtime, const DriverStack& stack);

}  // namespace gpuinit::rules
