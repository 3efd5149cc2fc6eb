// The texts behind `gpuinit --explain ID`: checks of the extensions and packages beside torch.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "extension.abi",
        .exit_codes = "65",
        .title = "an extension was built for another Python, torch or C++ ABI",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "extension.arch",
        .exit_codes = "66",
        .title = "a visible GPU finds no code in an extension that it can run",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
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
            "exist\", \"A module that was compiled using NumPy 1.x cannot be run in NumPy 2\". Much "
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
