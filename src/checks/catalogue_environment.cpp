// The texts behind `gpuinit --explain ID`: checks of environment variables and limits.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "cuda.capabilities",
        .exit_codes = "69",
        .title = "NVIDIA_DRIVER_CAPABILITIES leaves CUDA out",
        .looks_at = "NVIDIA_DRIVER_CAPABILITIES, where the loader finds no libcuda.so.1 although "
                    "the container runtime brought libnvidia-ml or a GPU. The list must have "
                    "`compute` or `all`; unset or empty it gets the runtime's default. A libcuda "
                    "that came in another way passes.",
        .why = "nvidia-smi works and shows \"CUDA Version: N/A\", and torch says \"Found no NVIDIA "
               "driver on your system\": the runtime leaves libcuda away.",
        .fix = "Set NVIDIA_DRIVER_CAPABILITIES=compute,utility in the image or where the container "
               "is started.",
        .source = "NVIDIA Container Toolkit documentation, \"Driver Capabilities\"; "
                  "libnvidia-container, src/nvc_info.c",
    },
    {
        .id = "cuda.visible-devices",
        .exit_codes = "69",
        .title = "CUDA_VISIBLE_DEVICES names GPUs that are not there, or is cut short",
        .looks_at = "CUDA_VISIBLE_DEVICES: numbers, UUIDs that may be cut short (GPU-8932f937), "
                    "MIG instances. Reading ends at the first entry that names nothing; a GPU that "
                    "is named twice hides all; of several MIG instances a process sees one. The "
                    "driver's own count is the truth; without it the GPUs whose device files open, "
                    "and their UUIDs in /proc/driver/nvidia/gpus. Everything hidden fails; entries "
                    "that make nothing visible are a warning that names them.",
        .why = "\"No CUDA GPUs are available\", \"invalid device ordinal\" (101), or a job that "
               "silently uses fewer GPUs than it was given.",
        .fix = "Unset the variable, or name GPUs that the container has, counted from 0. In "
               "containers the runtime has chosen already (NVIDIA_VISIBLE_DEVICES). If no GPU is "
               "wanted, set gpu.required = \"no\".",
        .source = "CUDA Programming Guide, \"CUDA Environment Variables\"; PyTorch, "
                  "torch/cuda/__init__.py; NVIDIA Multi-Instance GPU User Guide, \"CUDA Device "
                  "Enumeration\"",
    },
    {
        .id = "cuda.jit-cache",
        .exit_codes = "66",
        .title = "the GPU needs PTX compiled at every start, and nothing keeps the result",
        .looks_at = "Only where torch reaches a visible GPU by PTX (see device.arch): "
                    "CUDA_CACHE_DISABLE, CUDA_CACHE_MAXSIZE, and whether this user can write to "
                    "CUDA_CACHE_PATH or $HOME/.nv/ComputeCache, or make it, with 64 MiB free.",
        .why =
            "The driver compiles the PTX at load time, which takes minutes for a whole torch. "
            "Without a cache every process of every start does it again, and it looks like a hang.",
        .fix = "Use a torch build with machine code for the GPU. Else set CUDA_CACHE_PATH to a "
               "directory on a volume that the user may write, with CUDA_CACHE_MAXSIZE large.",
        .source = "CUDA Programming Guide, \"CUDA Environment Variables\"",
    },
    {
        .id = "cuda.module-loading",
        .exit_codes = "65",
        .title = "the environment makes CUDA load every kernel at start",
        .looks_at = "CUDA_MODULE_LOADING=EAGER. LAZY and DEFAULT are fine, other values are noted.",
        .why = "torch asks for LAZY itself, unless the variable is set. EAGER loads all of its "
               "kernels with the first call: seconds more at start, and hundreds of megabytes of "
               "memory on every GPU.",
        .fix = "Remove CUDA_MODULE_LOADING from the environment.",
        .source = "CUDA Programming Guide, \"Lazy Loading\"; PyTorch pull request 86509",
    },
    {
        .id = "limits.shm",
        .exit_codes = "69",
        .title = "/dev/shm is too small for data loaders and NCCL",
        .looks_at = "The size of the file system on /dev/shm, where torch needs a GPU: 64 MiB or "
                    "less (what docker and Kubernetes give a container that asks for nothing), "
                    "less than 16 MiB free, or none at all.",
        .why = "\"DataLoader worker is killed by signal: Bus error\", \"unhandled system error\" "
               "from NCCL. A single process without workers never notices.",
        .fix =
            "docker or podman: --shm-size=8g or --ipc=host. Kubernetes: an emptyDir with `medium: "
            "Memory` mounted at /dev/shm. If nothing needs it, set checks.limits.shm = \"off\".",
        .source = "PyTorch README, \"Docker Image\"; docker run, --shm-size; NCCL User Guide, "
                  "\"Troubleshooting\"",
    },
    {
        .id = "limits.memlock",
        .exit_codes = "69",
        .title = "the limit on locked memory is too low for RDMA",
        .looks_at = "RLIMIT_MEMLOCK below 64 MiB, where /dev/infiniband/uverbs* are in the "
                    "container and CAP_IPC_LOCK is not effective.",
        .why = "RDMA locks the memory that it transfers: NCCL and UCX fail to register buffers "
               "(\"Cannot allocate memory\"), or fall back to slow TCP.",
        .fix = "docker or podman: --ulimit memlock=-1 or --cap-add IPC_LOCK. Kubernetes: the "
               "capability IPC_LOCK, or LimitMEMLOCK=infinity for the container runtime's service.",
        .source = "NCCL User Guide, \"Troubleshooting\"; getrlimit(2), RLIMIT_MEMLOCK",
    },
};

}  // namespace

std::span<const CheckInfo> environment_texts() { return kTexts; }

}  // namespace gpuinit::checks
