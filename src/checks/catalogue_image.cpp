// The texts behind `gpuinit --explain ID`: checks of the interpreter and torch.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "platform",
        .exit_codes = "65",
        .title = "the image is for another processor than this machine has",
        .looks_at = "The ELF machine of the interpreter (or, where that is not known, of torch's "
                    "extension) against `uname -m`. x86-64, aarch64, ppc64le, riscv64 and s390x "
                    "run none of each other's programs; others are not judged. With --node the "
                    "machine is that of the node file. A root that is looked at with --root and "
                    "gpu.required = \"no\" is not run here and not judged. Interpreter and torch "
                    "for different processors are python.abi's.",
        .why =
            "The kernel refuses the program: \"exec format error\", and a pod restarts for ever. "
            "It happens when an image for one platform is pulled on, or built on, another.",
        .fix = "Pull or build the image for the node's processor (docker build --platform "
               "linux/amd64,linux/arm64), or pin the pod to nodes of the image's (nodeSelector "
               "kubernetes.io/arch).",
        .source = "execve(2), ENOEXEC; uname(2)",
    },
    {
        .id = "libc.version",
        .exit_codes = "65",
        .title = "the image's glibc is older than its libraries need",
        .looks_at = "The GLIBC_2.x versions that the interpreter, torch and what they load need, "
                    "against those that the image's glibc defines.",
        .why = "\"version `GLIBC_2.28' not found (required by libtorch_python.so)\": wheels are "
               "built on a system of a certain age and run on that or newer ones.",
        .fix = "Use a newer base image; glibc cannot be exchanged in an image.",
        .source = "glibc, elf/dl-version.c; PEP 600 (manylinux_x_y)",
    },
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
};

}  // namespace

std::span<const CheckInfo> image_texts() { return kTexts; }

}  // namespace gpuinit::checks
