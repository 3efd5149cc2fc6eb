// The texts behind `gpuinit --explain ID`: checks of what the loader finds.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "loader.missing",
        .exit_codes = "65",
        .title = "a shared library that torch needs is nowhere to be found",
        .looks_at = "The libraries that glibc's loader would map for the interpreter and for "
                    "`import torch`: NEEDED, RPATH, RUNPATH, LD_LIBRARY_PATH, LD_PRELOAD, "
                    "ld.so.cache, default directories, and what torch preloads from sys.path. "
                    "Libraries of the node's driver (libcuda, libnvidia-*) are cuda.libcuda's. "
                    "Unknown on musl and for a Python with a loader of its own.",
        .why = "\"ImportError: libcudnn.so.9: cannot open shared object file\", or Python itself "
               "does not start. Package managers that resolve torch without its extras, images "
               "that install torch and the nvidia-* packages in different places, and slim base "
               "images leave libraries out.",
        .fix = "Install what is missing in the same place as torch (the finding names the "
               "package), or set LD_LIBRARY_PATH to the directory that has it.",
        .source = "ld.so(8); glibc, elf/dl-load.c; PyTorch, torch/__init__.py _load_global_deps()",
    },
    {
        .id = "loader.version",
        .exit_codes = "65",
        .title = "a shared library is found, but lacks a version that another needs of it",
        .looks_at =
            "The symbol versions (GLIBCXX_3.4.32, CXXABI_1.3.15, libcudart.so.12) that each "
            "library of the interpreter and torch needs, against the version definitions of the "
            "library that the loader finds. glibc's own are libc.version's.",
        .why =
            "\"libstdc++.so.6: version `GLIBCXX_3.4.32' not found\". An older copy is found first, "
            "by LD_LIBRARY_PATH or from conda, or the base image is older than the wheel.",
        .fix = "Take the directory of the older copy out of LD_LIBRARY_PATH, or bring a newer one "
               "into the image.",
        .source = "glibc, elf/dl-version.c; LSB, \"Symbol Versioning\"",
    },
    {
        .id = "loader.symbol",
        .exit_codes = "65",
        .title = "a shared library is found, but lacks a function that another needs of it",
        .looks_at = "The functions that CUDA's libraries ask of each other, and that torch asks of "
                    "them in a version, looked up in the libraries that the loader finds. "
                    "Extensions beside torch are extension.abi's.",
        .why = "\"libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1, version "
               "libnvJitLink.so.12\": a library of another CUDA release answers to the name. "
               "LD_LIBRARY_PATH that points into a CUDA toolkit is the usual cause.",
        .fix = "Take the toolkit's directories out of LD_LIBRARY_PATH, or install torch and its "
               "nvidia-* packages again in one command.",
        .source = "glibc, elf/dl-lookup.c; https://github.com/pytorch/pytorch/issues/134929",
    },
    {
        .id = "loader.shadowed",
        .exit_codes = "65",
        .title = "a CUDA library other than the one torch was installed with is loaded",
        .looks_at = "For each CUDA library that torch loads: whether an nvidia-* wheel on sys.path "
                    "has a file of that name, and another file is loaded instead.",
        .why = "torch was built and tested with the release in the wheel. Another one may lack a "
               "function, be slower, or compute wrong results, and only some of the jobs notice.",
        .fix = "Take CUDA toolkit directories out of LD_LIBRARY_PATH and /etc/ld.so.conf.d.",
        .source = "ld.so(8); https://github.com/pytorch/pytorch/issues/138460",
    },
};

}  // namespace

std::span<const CheckInfo> loader_texts() { return kTexts; }

}  // namespace gpuinit::checks
