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
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
};

}  // namespace

std::span<const CheckInfo> extension_texts() { return kTexts; }

}  // namespace gpuinit::checks
