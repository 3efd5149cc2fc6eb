// The texts behind `gpuinit --explain ID`: checks of environment variables and limits.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "cuda.capabilities",
        .exit_codes = "69",
        .title = "NVIDIA_DRIVER_CAPABILITIES leaves CUDA out",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "cuda.visible-devices",
        .exit_codes = "69",
        .title = "CUDA_VISIBLE_DEVICES names GPUs that are not there, or is cut short",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "cuda.jit-cache",
        .exit_codes = "66",
        .title = "the GPU needs PTX compiled at every start, and nothing keeps the result",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "cuda.module-loading",
        .exit_codes = "65",
        .title = "the environment makes CUDA load every kernel at start",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "limits.shm",
        .exit_codes = "69",
        .title = "/dev/shm is too small for data loaders and NCCL",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "limits.memlock",
        .exit_codes = "69",
        .title = "the limit on locked memory is too low for RDMA",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
};

}  // namespace

std::span<const CheckInfo> environment_texts() { return kTexts; }

}  // namespace gpuinit::checks
