// The texts behind `gpuinit --explain ID`: checks of what the loader finds.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "loader.missing",
        .exit_codes = "65",
        .title = "a shared library that torch needs is nowhere to be found",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "loader.version",
        .exit_codes = "65",
        .title = "a shared library is found, but lacks a version that another needs of it",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "loader.symbol",
        .exit_codes = "65",
        .title = "a shared library is found, but lacks a function that another needs of it",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
    {
        .id = "loader.shadowed",
        .exit_codes = "65",
        .title = "a CUDA library other than the one torch was installed with is loaded",
        .looks_at = "To be written.",
        .why = "To be written.",
        .fix = "To be written.",
        .source = "",
    },
};

}  // namespace

std::span<const CheckInfo> loader_texts() { return kTexts; }

}  // namespace gpuinit::checks
