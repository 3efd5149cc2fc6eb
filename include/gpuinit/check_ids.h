// The stable names of the checks: policies, scripts and dashboards use them.
// src/checks/catalogue.cpp says what each looks at; a test holds the two equal.
#pragma once

#include <array>
#include <string_view>

namespace gpuinit {

inline constexpr std::array<std::string_view, 13> kCheckIds{
    "python.interpreter", "python.abi",     "torch.install", "torch.cuda-build", "cuda.libcuda",
    "cuda.driver",        "device.present", "device.arch",   "device.context",   "expect.python",
    "expect.torch",       "expect.cuda",    "expect.driver",
};

}  // namespace gpuinit
