// The texts behind `gpuinit --explain ID`: checks of the extensions and packages beside torch.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "extension.abi",
        .exit_codes = "65",
        .title = "an extension was built for another Python, torch or C++ ABI",
        .looks_at =
            "Shared libraries in site-packages and dist-packages that need torch or CUDA, and "
            "those that extensions.include of the policy names: the processor and the ABI tag of "
            "the file name, whether the loader would find the libraries they need after `import "
            "torch`, in the versions they need, and whether the symbols of Python, torch and CUDA "
            "that they ask for are defined there. Of files that are alternatives of each other "
            "(libtorchcodec_core4.so to 8 for as many FFmpegs, libbitsandbytes_cuda118.so to 130) "
            "one that loads is enough. Missing libraries outside torch and CUDA (FFmpeg, "
            "TensorRT) count only where the policy names the extension. extensions.exclude takes "
            "files away.",
        .why = "Python resolves every symbol when it loads an extension. One that was built for "
               "another torch, C++ ABI, CUDA or Python ends the import with \"undefined symbol: "
               "_ZN3c10...\" or \"cannot open shared object file\", often long after the start. "
               "Nobody "
               "knows which extensions the command imports: what is not in extensions.include is "
               "only a warning.",
        .fix = "Install a build for exactly this torch, CUDA and Python, or build it in the image "
               "with pip install --no-build-isolation. Name what the command needs in "
               "extensions.include: then it fails.",
        .source = "ld.so(8); PEP 3149; Itanium C++ ABI, mangling; GCC manual, Dual ABI",
    },
    {
        .id = "extension.arch",
        .exit_codes = "66",
        .title = "a visible GPU finds no code in an extension that it can run",
        .looks_at =
            "The fatbin headers of the extensions that can be loaded, against the compute "
            "capability of every visible GPU and what the driver compiles, as device.arch does "
            "for torch. A package's files are judged together, because many choose between them "
            "at run time; a file that extensions.include names is judged alone.",
        .why =
            "torch works, and the first kernel of the extension ends with \"no kernel image is "
            "available for execution on the device\" (209). Wheels and builds on machines without "
            "a GPU often have code for fewer GPUs than torch has.",
        .fix =
            "Build it with TORCH_CUDA_ARCH_LIST set to the fleet's compute capabilities, or use a "
            "wheel that has them.",
        .source = "CUDA Programming Guide, Compatibility of binaries and PTX; docs/fatbin.md",
    },
    {
        .id = "python.packages",
        .exit_codes = "65",
        .title = "installed packages contradict what they require of each other",
        .looks_at =
            "The metadata of what is installed on sys.path (dist-info, egg-info): packages that "
            "require another torch than is there, the versions of nvidia-*, cuda-* and triton "
            "that torch requires, two versions of one of them in one directory, files of torch of "
            "another release than its metadata, and NumPy 2 beside a torch or an extension that "
            "was compiled for NumPy 1 (its headers compile in the name of the module that they "
            "import). Packages that are not installed say nothing: conda, NGC and Debian bring "
            "CUDA without nvidia-* packages. A nightly or vendor's build, 2.6.0a0+..., counts as "
            "its release as well.",
        .why =
            "Each `pip install` may replace what an earlier one chose. Compiled code fits the "
            "torch it was built with: \"undefined symbol\", \"operator torchvision::nms does not "
            "exist\", \"A module that was compiled using NumPy 1.x cannot be run in NumPy 2\". "
            "Much "
            "of it works all the same, which is why this only warns.",
        .fix =
            "Name everything in one `pip install`, torch with its version, and let pip choose the "
            "rest; or install from a lock file. `pip check` says the same as this check and more.",
        .source = "PEP 440, PEP 508; PyPA, Core metadata; NumPy, numpy/__multiarray_api.h",
    },
};

}  // namespace

std::span<const CheckInfo> extension_texts() { return kTexts; }

}  // namespace gpuinit::checks
