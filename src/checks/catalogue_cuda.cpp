// The texts behind `gpuinit --explain ID`: checks of libcuda and the driver.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "cuda.libcuda",
        .exit_codes = "65 or 69",
        .title = "libcuda.so.1 is absent, a stub, or does not match the kernel driver",
        .looks_at =
            "The libcuda.so.1 that the loader will pick (LD_PRELOAD, LD_LIBRARY_PATH, ld.so.cache, "
            "default directories), its release against the kernel driver's in "
            "/proc/driver/nvidia/version, and what happened when a child process loaded it. A "
            "libcuda that loads and initialises passes whatever its name says. 65 only for an "
            "image "
            "without glibc, in which no libcuda can be loaded.",
        .why =
            "Without it: \"Found no NVIDIA driver on your system\", \"libcuda.so.1: cannot open "
            "shared object file\". A stub: \"CUDA driver is a stub library\" (34). Another release "
            "than the kernel driver: \"system has unsupported display driver / cuda driver "
            "combination\" (803).",
        .fix = "Start the container with the NVIDIA runtime (docker: --gpus all; Kubernetes: a "
               "nvidia.com/gpu limit and the device plugin). Keep stubs and driver packages out of "
               "the image. If the image has none, restart the node: its driver was updated without "
               "a reload.",
        .source =
            "NVIDIA Container Toolkit documentation; cuda.h, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    },
    {
        .id = "cuda.driver",
        .exit_codes = "66",
        .title = "the node's driver cannot serve the CUDA version that torch was built for",
        .looks_at =
            "The CUDA version in torch/version.py against the driver's (cuDriverGetVersion; "
            "without "
            "it the table of driver branches). A newer or equal driver serves it; one of the same "
            "major version does from the family's minimum on (CUDA 11: 450.80.02, 12: 525.60.13, "
            "13: 580); a forward-compatibility libcuda does if it supports the kernel driver and "
            "the GPU. A branch that the table does not know is only judged where its lower bound "
            "is enough.",
        .why =
            "\"CUDA driver version is insufficient for CUDA runtime version\" (35), \"The NVIDIA "
            "driver on your system is too old\"; with a forward-compatibility libcuda that does "
            "not fit, errors 803 or 804.",
        .fix = "Use a node with a newer driver, or an image built for the CUDA version that the "
               "driver serves. On data-center GPUs the cuda-compat package in the image can help.",
        .source =
            "CUDA Toolkit release notes, \"CUDA Driver\"; NVIDIA CUDA Compatibility, minor version "
            "and forward compatibility",
    },
    {
        .id = "cuda.compat",
        .exit_codes = "66",
        .title = "a forward-compatibility libcuda is active where it cannot work, or unused",
        .looks_at =
            "Whether the libcuda.so.1 in front comes from a cuda-compat package: then its release "
            "and the driver branches in its note (.note.cuda.fwd_compatibility) against the kernel "
            "driver's, the names of the GPUs (it is for data-center GPUs), and cuInit's errors 803 "
            "and 804. Also a libcuda of the image that hides the one which belongs to the kernel "
            "driver, and, as a warning, a cuda-compat in /usr/local/cuda*/compat that is not in "
            "use where this driver alone does not serve torch, or cannot compile its PTX. A "
            "libcuda that initialises passes.",
        .why = "\"system has unsupported display driver / cuda driver combination\" (803), "
               "\"forward compatibility was attempted on non supported HW\" (804). A cuda-compat "
               "that a Kubernetes `command:` has switched off with the entrypoint leaves \"CUDA "
               "driver version is insufficient\" or \"the provided PTX was compiled with an "
               "unsupported toolchain\" (222).",
        .fix =
            "Take a cuda-compat or a libcuda that does not fit out of LD_LIBRARY_PATH and "
            "/etc/ld.so.conf.d. Where it would help, put its directory first in LD_LIBRARY_PATH, "
            "or keep the image's entrypoint (Kubernetes: `args:` in place of `command:`).",
        .source = "NVIDIA CUDA Compatibility, \"Forward Compatibility\"; NVIDIA container toolkit, "
                  "cmd/nvidia-cdi-hook/cudacompat; cuda.h, enum cudaError_enum",
    },
    {
        .id = "cuda.require",
        .exit_codes = "66",
        .title = "the image's NVIDIA_REQUIRE_* condition is not met by this node",
        .looks_at =
            "Every NVIDIA_REQUIRE_* variable (but NVIDIA_REQUIRE_JETPACK*): alternatives with "
            "blanks between them, each a list of conditions with commas. `cuda` is the CUDA "
            "version of the driver, `driver` the release of the kernel driver, `arch` a GPU's "
            "compute capability, `brand` what NVML calls it, told by the GPU's name where that is "
            "certain. All variables must hold for every visible GPU. What asks for something "
            "unknown is undecided. NVIDIA_DISABLE_REQUIRE=1 switches it off.",
        .why = "The image says that it was not made for this node. The container runtime refuses "
               "to start it (\"requirement error: unsatisfied condition: cuda>=12.8\"), but not in "
               "every mode: with CDI nobody looks, and the error comes later from CUDA.",
        .fix = "Use a node that meets the condition, or an image built for an older CUDA. If the "
               "image is known to work all the same, set NVIDIA_DISABLE_REQUIRE=1.",
        .source = "libnvidia-container, src/cli/dsl.c and configure.c; NVIDIA container toolkit, "
                  "internal/requirements",
    },
};

}  // namespace

std::span<const CheckInfo> cuda_texts() { return kTexts; }

}  // namespace gpuinit::checks
