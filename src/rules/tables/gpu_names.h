// Table: models of GPUs, as words of their names in lower case.
//
// Sources: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/, "Supported GPUs" and
// "Deployment Considerations";
// https://developer.nvidia.com/cuda-gpus, column "Data Center". 2026-11-29. How to add a row:
// docs/updating-tables.md.
#pragma once

#include <string_view>

namespace gpuinit::rules::tables {

// clang-format off
inline constexpr std::string_view kDataCenterGpus[] = {
    "a100", "a30", "a10", "a2", "a16", "a40", "h100", "h200", "gh200", "l4", "l40", "b200", "gb200",
    "b300", "gb300", "h20", "h800", "a800",
};

// Those that can be split into MIG instances.
inline constexpr std::string_view kSplittableGpus[] = {
    "a100", "a30", "h100", "h200", "h20", "gh200", "b200", "gb200", "b300", "gb300",
    "rtx pro 6000 blackwell", "rtx pro 5000 blackwell", "rtx pro 4500 blackwell",
};
// clang-format on

}  // namespace gpuinit::rules::tables
