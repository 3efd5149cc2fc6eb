# What gpuinit needs of others, looked for before anything is compiled. What is not here is said all at once, a sentence
# each: what it is, what for, and where it comes from. docker/install-deps.sh gets all of it.
#
# Looked for where the compiler and CMAKE_PREFIX_PATH have it and where docker/install-deps.sh puts what a distribution
# lacks; -D VARIABLE=… names another place.

set(gpuinit_fetched $ENV{XDG_CACHE_HOME})
if(NOT gpuinit_fetched)
  set(gpuinit_fetched $ENV{HOME}/.cache)
endif()
string(APPEND gpuinit_fetched /gpuinit-tests)

set(gpuinit_missing "")

# gpuinit_need(VARIABLE "what, and what for" "packages"): if VARIABLE has found nothing, that is said at the end.
macro(gpuinit_need variable what packages)
  if(NOT ${variable})
    string(APPEND gpuinit_missing "\n  * ${what}: install ${packages}, or say where it is with -D ${variable}=…")
  endif()
endmacro()

find_path(GPUINIT_SECCOMP_HEADERS seccomp.h DOC "Directory of seccomp.h")
gpuinit_need(GPUINIT_SECCOMP_HEADERS "seccomp.h, libseccomp's header, for the filters of system calls"
  "libseccomp-dev (Debian, Ubuntu, Alpine) or libseccomp-devel (Fedora)")
find_library(GPUINIT_LIBSECCOMP libseccomp.a DOC "The static libseccomp")
gpuinit_need(GPUINIT_LIBSECCOMP "libseccomp.a, which is linked into the program, as it is one static file"
  "libseccomp-dev (Debian, Ubuntu) or libseccomp-static (Fedora, Alpine)")

find_path(GPUINIT_TOMLPLUSPLUS_INCLUDE toml++/toml.h PATHS ${gpuinit_fetched}/tomlplusplus/include
  DOC "Directory of toml++/toml.h")
gpuinit_need(GPUINIT_TOMLPLUSPLUS_INCLUDE "toml++/toml.h, toml++ 3, which reads policies"
  "libtomlplusplus-dev (Debian, Ubuntu), tomlplusplus-devel (Fedora) or tomlplusplus-dev (Alpine)")
find_path(GPUINIT_NLOHMANN_JSON_INCLUDE nlohmann/json.hpp DOC "Directory of nlohmann/json.hpp")
gpuinit_need(GPUINIT_NLOHMANN_JSON_INCLUDE "nlohmann/json.hpp, which reads and writes facts and reports"
  "nlohmann-json3-dev (Debian, Ubuntu), json-devel (Fedora) or nlohmann-json (Alpine)")
find_path(GPUINIT_SPDLOG_INCLUDE spdlog/spdlog.h DOC "Directory of spdlog/spdlog.h")
gpuinit_need(GPUINIT_SPDLOG_INCLUDE "spdlog/spdlog.h, for the lines of --verbose"
  "libspdlog-dev (Debian, Ubuntu), spdlog-devel (Fedora) or spdlog-dev (Alpine)")
find_path(GPUINIT_FMT_INCLUDE fmt/format.h DOC "Directory of fmt/format.h")
gpuinit_need(GPUINIT_FMT_INCLUDE "fmt/format.h, which spdlog is built on"
  "libfmt-dev (Debian, Ubuntu), fmt-devel (Fedora) or fmt-dev (Alpine)")

# Types only: nothing of CUDA is linked, any cuda.h since 11.0 will do.
find_path(GPUINIT_CUDA_INCLUDE cuda.h
  PATHS $ENV{CUDA_HOME}/include $ENV{CUDA_PATH}/include /usr/local/cuda/include /opt/cuda/include
        /usr/include ${gpuinit_fetched}/cuda-headers/include
  DOC "Directory of cuda.h" NO_DEFAULT_PATH)
gpuinit_need(GPUINIT_CUDA_INCLUDE "cuda.h, the types of the driver's interface, for the program that asks the driver"
  "the CUDA Toolkit or the include folder of NVIDIA's wheel nvidia-cuda-runtime, as docker/install-deps.sh does")

if(GPUINIT_TESTS AND NOT GPUINIT_FUZZ)
  find_package(GTest QUIET)
  gpuinit_need(GTest_FOUND "GoogleTest with GoogleMock, for the tests (-D GPUINIT_TESTS=OFF does without)"
    "libgtest-dev and libgmock-dev (Debian, Ubuntu), gtest-devel and gmock-devel (Fedora) or gtest-dev (Alpine)")
  find_package(benchmark QUIET)
  gpuinit_need(benchmark_FOUND "Google Benchmark, for tests/bench (-D GPUINIT_TESTS=OFF does without)"
    "libbenchmark-dev (Debian, Ubuntu), google-benchmark-devel (Fedora) or benchmark-dev (Alpine)")
endif()

# One static file, which a sanitizer's program cannot be. Some distributions have the static libraries apart.
if(NOT GPUINIT_SANITIZE)
  include(CheckCXXSourceCompiles)
  include(CMakePushCheckState)
  cmake_push_check_state(RESET)
  set(CMAKE_REQUIRED_FLAGS "-fPIE")
  set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
  check_cxx_source_compiles("#include <string>\nint main(int n, char** v) { return (int)std::string(v[n - 1]).size(); }"
    GPUINIT_LINKS_STATICALLY)
  cmake_pop_check_state()
  if(NOT GPUINIT_LINKS_STATICALLY)
    string(APPEND gpuinit_missing "\n  * libc.a and libstdc++.a, which are linked into the program: install libc6-dev and "
      "g++ (Debian, Ubuntu) or glibc-static and libstdc++-static (Fedora); ${CMAKE_CXX_COMPILER} -static-pie must work")
    unset(GPUINIT_LINKS_STATICALLY CACHE)
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12 OR
   CMAKE_CXX_COMPILER_ID STREQUAL Clang AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  string(APPEND gpuinit_missing "\n  * a compiler with C++20, g++ 12 or clang 14 or later, and ${CMAKE_CXX_COMPILER} is "
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}: install a later one, such as g++-12, and say "
    "-D CMAKE_C_COMPILER=gcc-12 -D CMAKE_CXX_COMPILER=g++-12")
endif()

if(gpuinit_missing)
  message(FATAL_ERROR "gpuinit cannot be built with what is here; docker/install-deps.sh gets it. It needs:${gpuinit_missing}")
endif()
