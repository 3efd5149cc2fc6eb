// The stable names of the checks: policies, scripts and dashboards use them.
// src/checks/catalogue.cpp says what each looks at; a test holds the two equal.
#pragma once

#include <array>
#include <string_view>

namespace gpuinit {

// In the order of causes: image, driver, devices, then what follows from nothing.
inline constexpr std::array<std::string_view, 34> kCheckIds{
    "platform",
    "python.interpreter",
    "libc.version",
    "python.abi",
    "torch.install",
    "loader.missing",
    "loader.version",
    "loader.symbol",
    "loader.shadowed",
    "torch.cuda-build",
    "extension.abi",
    "python.packages",
    "cuda.capabilities",
    "cuda.compat",
    "cuda.libcuda",
    "cuda.driver",
    "cuda.require",
    "cuda.visible-devices",
    "device.permissions",
    "device.mode",
    "device.present",
    "device.arch",
    "extension.arch",
    "cuda.jit-cache",
    "cuda.module-loading",
    "device.context",
    "python.import",
    "probe.disagrees",
    "limits.shm",
    "limits.memlock",
    "expect.python",
    "expect.torch",
    "expect.cuda",
    "expect.driver",
};

// Their built-in level is "warn": what they find may well not be what the command needs.
inline constexpr std::array<std::string_view, 7> kChecksThatWarn{
    "loader.shadowed", "python.packages", "cuda.jit-cache", "cuda.module-loading",
    "probe.disagrees", "limits.shm",      "limits.memlock",
};

}  // namespace gpuinit
