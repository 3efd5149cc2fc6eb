// The texts behind `gpuinit --explain ID`: checks of the versions that a policy pins.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
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
};

}  // namespace

std::span<const CheckInfo> expect_texts() { return kTexts; }

}  // namespace gpuinit::checks
