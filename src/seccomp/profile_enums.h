// The enumerations of OCI and Docker profiles: their names, and what they mean here.
// Source: runtime-spec config-linux.md, "Seccomp".
#pragma once

#include <optional>
#include <string_view>

#include "seccomp/filter.h"

namespace gpuinit::seccomp {

inline constexpr int kLargestErrno = 4095;  // MAX_ERRNO: the kernel's

// As profiles name the machine that this is built for: in archMap, and in arches.
#if defined(__x86_64__)
inline constexpr std::string_view kOwnArchitecture = "SCMP_ARCH_X86_64";
inline constexpr std::string_view kOwnMachine = "amd64";
#elif defined(__aarch64__)
inline constexpr std::string_view kOwnArchitecture = "SCMP_ARCH_AARCH64";
inline constexpr std::string_view kOwnMachine = "arm64";
#endif

// "SCMP_ACT_ERRNO"; nullopt if there is no such action, or if it is not supported.
std::optional<Action> action_by_name(std::string_view name);

// Why that action is not supported. Empty if it is, or if there is no such action.
std::string_view why_not_supported(std::string_view action);

// "SCMP_CMP_EQ"; nullopt if there is no such comparison.
std::optional<Test::Is> comparison_by_name(std::string_view name);

// "EPERM"; nullopt if there is no such error.
std::optional<int> errno_by_name(std::string_view name);

}  // namespace gpuinit::seccomp
