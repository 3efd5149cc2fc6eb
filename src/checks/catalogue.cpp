// The texts behind `gpuinit --explain ID`.
#include <array>

#include "checks/run_checks.h"
#include "gpuinit/check_ids.h"

namespace gpuinit::checks {

namespace {

constexpr std::array<CheckInfo, kCheckIds.size()> kCatalogue{{
    {
        .id = "python.interpreter",
        .exit_codes = "65",
        .title = "the command runs Python, and that Python is not in the image",
        .looks_at =
            "The command's first word on the image's PATH, followed through symlinks, shebangs, "
            "env, venvs and pyenv shims to the interpreter. A shell script or `sh -c` cannot be "
            "followed; then python.interpreter of the policy is taken, else python3 or python on "
            "PATH. An image without any Python fails only if the command or the policy asks for "
            "Python or torch.",
        .why =
            "The command ends at once with \"not found\" or \"bad interpreter\". It happens when a "
            "venv was copied without the Python it points to, or when PATH is set in a profile "
            "that "
            "no container reads.",
        .fix =
            "Set PATH with ENV in the Dockerfile, name the interpreter with its whole path in the "
            "command, build venvs in the place where they will run, or install Python.",
        .source = "execve(2); CPython, Modules/getpath.py; PEP 405 (pyvenv.cfg)",
    },
    {
        .id = "python.abi",
        .exit_codes = "65",
        .title = "torch was compiled for another Python than the command runs",
        .looks_at =
            "The interpreter's SOABI (cpython-312-x86_64-linux-gnu) against the file name of "
            "torch's extension, torch/_C.cpython-310-x86_64-linux-gnu.so. `t` is a free-threaded "
            "Python, `d` a debug build (which also imports release builds). Also the processor, "
            "glibc against musl, and the Python symbols that torch needs. If the command could not "
            "be followed to its Python, a mismatch is only a warning.",
        .why =
            "Python looks for extensions under exact names, so `import torch` ends with "
            "\"ModuleNotFoundError: No module named 'torch._C'\" or \"Failed to load PyTorch C "
            "extensions\". It happens when a base image moves to another Python minor version, or "
            "when PATH finds the distribution's python3 before the one that has torch.",
        .fix =
            "Run the command with the Python that torch was installed for (its whole path, or its "
            "directory first on PATH), or install torch again with the Python of the command.",
        .source =
            "PEP 3149; CPython, Python/dynload_shlib.c; What's New In Python 3.8, \"Debug build "
            "uses the same ABI as release build\"",
    },
    {
        .id = "torch.install",
        .exit_codes = "65",
        .title = "torch is missing where the policy requires it, incomplete, or hidden by another "
                 "torch/",
        .looks_at =
            "The first `torch` on the interpreter's sys.path: is it PyTorch, are the files there "
            "that every installation has, and does it hide a whole one further on. Without any "
            "torch the check fails only if the policy says torch.required = true.",
        .why = "A directory torch/ or a file torch.py beside the script is imported instead of "
               "PyTorch; a torch that lost files to an interrupted install or a slimming step ends "
               "with \"No module named 'torch._C'\" or \"cannot open shared object file\".",
        .fix = "Start the command in another directory or rename the torch/ that hides PyTorch. "
               "Install an incomplete torch again, in one image layer.",
        .source = "Python documentation, \"Initialization of the sys.path module search path\"",
    },
    {
        .id = "torch.cuda-build",
        .exit_codes = "65",
        .title = "a GPU is expected, and torch is a CPU-only or ROCm build",
        .looks_at = "`cuda` and `hip` in torch/version.py. With gpu.required = \"yes\" a build "
                    "without CUDA "
                    "fails; with \"auto\" it is a warning, and only if an NVIDIA GPU is in sight.",
        .why =
            "torch.cuda.is_available() is False: \"AssertionError: Torch not compiled with CUDA "
            "enabled\", or a job that silently computes on the CPU beside a GPU that costs money. "
            "A later `pip install` that pulls torch from another index is the usual culprit.",
        .fix =
            "Install a CUDA build of torch (https://download.pytorch.org/whl/cu128 and its "
            "neighbours) after everything that depends on torch, or pin it in a constraints file. "
            "If no GPU is wanted, set gpu.required = \"no\".",
        .source =
            "PyTorch, tools/generate_torch_version.py; https://pytorch.org/get-started/locally/",
    },
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
               "nvidia.com/gpu limit and the device plugin) and NVIDIA_DRIVER_CAPABILITIES with "
               "`compute` in it. Keep stubs and driver packages out of the image. If the image has "
               "none, restart the node: its driver was updated without a reload.",
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
               "driver "
               "serves. On data-center GPUs the cuda-compat package in the image can help. Where "
               "cuda-compat is in the way, take it out of LD_LIBRARY_PATH and ld.so.conf.d.",
        .source =
            "CUDA Toolkit release notes, \"CUDA Driver\"; NVIDIA CUDA Compatibility, minor version "
            "and forward compatibility",
    },
    {
        .id = "device.present",
        .exit_codes = "69, 75 or 77",
        .title = "no GPU is visible, too few are, or one may not be opened",
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
            "A child process makes a context on every visible GPU, runs one tiny kernel and reads "
            "its result back. Switched off with warmup.context = false. Where the driver reports "
            "an "
            "error its own class counts; 75 if the GPU is busy, out of memory or hangs.",
        .why =
            "A GPU that enumerates can still be held by another process (46), damaged (ECC error "
            "214), hung, or wrong. The command finds out minutes later, or never.",
        .fix = "Busy: wait for the other process, or set the compute mode back to default. Errors, "
               "hangs and wrong results: drain the node, look at its kernel log for Xid messages, "
               "reset the GPU.",
        .source = "cuda.h, enum cudaError_enum; NVIDIA \"XID Errors\"",
    },
    {
        .id = "expect.python",
        .exit_codes = "65",
        .title = "the interpreter's version is not the one that the policy pins",
        .looks_at = "The version of the command's interpreter against expect.python.",
        .why = "The image was tested with the pinned version, and this is another.",
        .fix = "Rebuild the image with the pinned version, or change expect.python.",
        .source = "",
    },
    {
        .id = "expect.torch",
        .exit_codes = "65",
        .title = "torch's version is not the one that the policy pins",
        .looks_at =
            "`__version__` in torch/version.py against expect.torch. What follows the numbers "
            "(+cu128, a0+git) is not compared. A pin without any torch in the image fails.",
        .why = "The image was tested with the pinned version, and this is another.",
        .fix = "Rebuild the image with the pinned version, or change expect.torch.",
        .source = "",
    },
    {
        .id = "expect.cuda",
        .exit_codes = "65",
        .title = "torch was built for another CUDA version than the policy pins",
        .looks_at =
            "`cuda` in torch/version.py against expect.cuda. A CPU build, or no torch, fails.",
        .why = "The image was tested with the pinned version, and this is another.",
        .fix = "Install torch from the index of the pinned CUDA version, or change expect.cuda.",
        .source = "",
    },
    {
        .id = "expect.driver",
        .exit_codes = "66",
        .title = "the node's kernel driver is not one that the policy allows",
        .looks_at = "The NVIDIA kernel module's release against expect.driver.",
        .why = "The policy allows only nodes with such a driver.",
        .fix = "Use a node with such a driver, or change expect.driver.",
        .source = "",
    },
}};

}  // namespace

std::span<const CheckInfo> catalogue() { return kCatalogue; }

}  // namespace gpuinit::checks
