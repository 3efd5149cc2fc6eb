// The texts behind `gpuinit --explain ID`: checks of the GPUs.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "device.permissions",
        .exit_codes = "69 or 77",
        .title = "a device file that CUDA needs is missing, or may not be opened",
        .looks_at = "The errno of opening /dev/nvidia0 and its like, /dev/nvidiactl and "
                    "/dev/nvidia-uvm, where the driver has shown no device. 77: one may not be "
                    "opened (a closed GPU among open ones is another container's; nvidia-modeset "
                    "and others do not matter). 69: a GPU's file opens, /dev/nvidiactl or "
                    "/dev/nvidia-uvm is missing, and cuInit says 100, 304 or 999.",
        .why = "\"CUDA unknown error\" (999), \"No CUDA GPUs are available\", \"Failed to "
               "initialize NVML: Unknown Error\". A `systemctl daemon-reload` on the node can take "
               "the device rules from a running container.",
        .fix = "Start the container anew with the NVIDIA runtime or a CDI device, which bring "
               "every file and its rule. For a non-root user look at the mode and group of "
               "/dev/nvidia*. If the node has no /dev/nvidia-uvm, load that module there.",
        .source = "NVIDIA Container Toolkit documentation, \"Troubleshooting\"; cgroups(7), device "
                  "controller",
    },
    {
        .id = "device.present",
        .exit_codes = "69, 75 or 77",
        .title = "no GPU is visible, or too few are",
        .looks_at =
            "What the driver enumerates in a child process under this environment, the errno of "
            "opening /dev/nvidia*, CUDA_VISIBLE_DEVICES and NVIDIA_VISIBLE_DEVICES, and gpu.count "
            "of the policy. 77: a device node may not be opened. 75: the driver is not ready, busy "
            "or does not answer within probe.timeout. 69: everything else.",
        .why =
            "\"No CUDA GPUs are available\", \"no CUDA-capable device is detected\" (100), "
            "\"invalid "
            "device ordinal\" (101), \"Failed to initialize NVML: Unknown Error\", or a call that "
            "never returns while the GPU is reserved and paid for.",
        .fix =
            "Give the container its GPUs and look at CUDA_VISIBLE_DEVICES. For 77 start the "
            "container anew with the devices allowed. For 75 try again; on NVSwitch machines look "
            "at the fabric manager. A GPU that hangs or vanished needs another node.",
        .source = "cuda.h, enum cudaError_enum; NVIDIA Container Toolkit documentation",
    },
    {
        .id = "device.mode",
        .exit_codes = "69 or 75",
        .title = "a GPU is in a mode in which this job cannot use it",
        .looks_at =
            "The compute mode of every visible GPU and what became of a context on it: prohibited "
            "(69), or exclusive with error 46, so that another process has it (75). cuInit's error "
            "3, where a MIG instance was asked for or the kernel driver lists a GPU that can be "
            "split: MIG mode without an instance (69). A GPU that works passes in any mode.",
        .why = "\"CUDA-capable device(s) is/are busy or unavailable\" (46), \"initialization "
               "error\" (3): the command finds out minutes later.",
        .fix = "Set the compute mode back on the node (nvidia-smi -c DEFAULT), or wait for the "
               "process that has the GPU. Create MIG instances and give the container one, or "
               "switch MIG mode off.",
        .source = "CUDA driver API, CUcomputemode; NVIDIA Multi-Instance GPU User Guide",
    },
    {
        .id = "device.arch",
        .exit_codes = "66",
        .title = "a visible GPU finds no code in torch that it can run",
        .looks_at =
            "The compute capability of every visible GPU against the machine code (sm_90, sm_90a, "
            "sm_100f) and PTX (compute_90) in libtorch_cuda, container by container; where that "
            "cannot be read, against torch's arch list. Machine code runs on its own major version "
            "from its minor version up, `a` targets on one capability only, `f` targets in their "
            "family. PTX runs on any newer GPU if the driver is new enough to compile it: a driver "
            "that serves torch by minor version compatibility is not.",
        .why =
            "\"no kernel image is available for execution on the device\" (209) or \"the provided "
            "PTX was compiled with an unsupported toolchain\" (222) at the first kernel, minutes "
            "into the start; torch itself only warns. If most of the code is PTX it works, but the "
            "first start takes minutes: that is a warning.",
        .fix =
            "Use a torch build that has the GPU's target (a GPU of capability 12.0 needs a build "
            "with CUDA 12.8 or newer), or another kind of node. Where only PTX is there, a driver "
            "as new as torch's CUDA version compiles it.",
        .source = "CUDA Programming Guide, \"Compute Capabilities\"; PTX ISA, \"PTX ISA Version "
                  "History\"",
    },
    {
        .id = "device.context",
        .exit_codes = "69 or 75",
        .title = "a GPU could not make a context, or computed a wrong result",
        .looks_at =
            "A child process makes a context on every visible GPU, on all at the same time, runs "
            "one tiny kernel and reads its result back, within warmup.timeout for each. Switched "
            "off with warmup.context = false. Where the driver reports an error its own class "
            "counts; 75 if the GPU is busy, out of memory or hangs.",
        .why =
            "A GPU that enumerates can still be held by another process (46), damaged (ECC error "
            "214), hung, or wrong. The command finds out minutes later, or never.",
        .fix = "Busy: wait for the other process (wait.for = [\"busy\"] does), or set the compute "
               "mode back to default. Errors, "
               "hangs and wrong results: drain the node, look at its kernel log for Xid messages, "
               "reset the GPU.",
        .source = "cuda.h, enum cudaError_enum; NVIDIA \"XID Errors\"",
    },
};

}  // namespace

std::span<const CheckInfo> device_texts() { return kTexts; }

}  // namespace gpuinit::checks
