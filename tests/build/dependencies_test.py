#!/usr/bin/env python3
"""Where nothing is installed, configuring says of everything that is needed what it is, what for, and how to get it.

    dependencies_test.py SOURCE CXX_COMPILER C_COMPILER
"""
import os
import shutil
import subprocess
import sys
import tempfile

# A word of each sentence, and the variable or the package that it must name.
NEEDED = {
    "seccomp.h": "GPUINIT_SECCOMP_HEADERS",
    "libseccomp.a": "GPUINIT_LIBSECCOMP",
    "toml++/toml.h": "GPUINIT_TOMLPLUSPLUS_INCLUDE",
    "nlohmann/json.hpp": "GPUINIT_NLOHMANN_JSON_INCLUDE",
    "spdlog/spdlog.h": "GPUINIT_SPDLOG_INCLUDE",
    "fmt/format.h": "GPUINIT_FMT_INCLUDE",
    "cuda.h": "GPUINIT_CUDA_INCLUDE",
    "GoogleTest": "libgmock-dev",
    "Google Benchmark": "libbenchmark-dev",
    "libc.a": "glibc-static",
}
# These are looked for at fixed places, whatever CMake is told.
CUDA = ("/usr/local/cuda/include/cuda.h", "/opt/cuda/include/cuda.h", "/usr/include/cuda.h")


def main():
    source, cxx, c = sys.argv[1:4]
    environment = {name: value for name, value in os.environ.items() if name not in ("CUDA_HOME", "CUDA_PATH", "CMAKE_PREFIX_PATH")}
    with tempfile.TemporaryDirectory() as work:
        environment["XDG_CACHE_HOME"] = work
        done = subprocess.run(
            ["cmake", "-S", source, "-B", os.path.join(work, "build"), "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={shutil.which('ninja')}",
             f"-DCMAKE_CXX_COMPILER={cxx}", f"-DCMAKE_C_COMPILER={c}", "-DCCACHE=OFF",
             "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF", "-DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF",
             "-DGPUINIT_LINKS_STATICALLY=OFF"],
            env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    sentences = " ".join(done.stdout.split()).split(" * ")[1:]
    good = done.returncode != 0
    for word, source_of_it in NEEDED.items():
        if word == "cuda.h" and any(map(os.path.exists, CUDA)):
            continue
        if not any(sentence.startswith(word) and source_of_it in sentence for sentence in sentences):
            print(f"no sentence says of {word} how {source_of_it} helps")
            good = False
    if not good:
        print(f"cmake: exit code {done.returncode}\n{done.stdout}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
