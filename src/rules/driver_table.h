// Which CUDA version an NVIDIA driver release implements, and which driver a
// CUDA toolkit asks for. Numbers are those of Linux.
//
// Its rows, and where they are from: tables/driver_releases.h.
#pragma once

#include <optional>
#include <string>

#include "rules/version.h"

namespace gpuinit::rules {

// What cuDriverGetVersion says on a driver release.
struct NativeCuda {
  Version cuda;
  bool exact = false;  // false: the branch is not in the table, its CUDA is this or newer
};

// `driver` is a release such as 535.104.05, of the kernel module or of a libcuda.
// nullopt if it is below branch 375, where CUDA 8.0 begins.
std::optional<NativeCuda> native_cuda_of_driver(const Version& driver);

// The lowest driver that serves every toolkit of the family by minor version
// compatibility: 12 → 525.60.13. nullopt if the family is older than CUDA 11, which has no such
// compatibility, or newer than the table.
std::optional<Version> family_floor(unsigned cuda_major);

// The driver that came with the first release of this toolkit: 12.8 → 570.26. It
// serves the toolkit without limits. nullopt if the version is not in the table.
std::optional<Version> driver_for_cuda(const Version& cuda);

// As NVIDIA writes it: the third number has two digits, "535.54.03".
std::string driver_text(const Version& driver);

// The lowest CUDA version whose drivers load PTX of this ISA version: 8.4 → 12.4,
// and 8.5 → 12.5 although CUDA 12.6 writes it too.
struct PtxSupport {
  Version cuda;
  bool exact = false;  // false: the ISA is newer than the table, this or a newer CUDA is needed
};
std::optional<PtxSupport> cuda_for_ptx_isa(const Version& isa);

// The lowest CUDA version whose drivers load the PTX that the toolkit `cuda`
// writes: 12.6 → 12.5, because both write ISA 8.5. For a toolkit that is not in
// the table, the toolkit's own version.
Version cuda_that_loads_ptx_of(const Version& cuda);

}  // namespace gpuinit::rules
