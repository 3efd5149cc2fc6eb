// The ABIs through which a process of this kernel can make system calls.
#pragma once

#include <linux/audit.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace gpuinit::seccomp {

struct Abi {
  std::string_view name;
  std::uint32_t audit_arch;        // seccomp_data.arch
  std::uint32_t first_number = 0;  // x32 shares x86-64's arch and has a bit set in its numbers
  std::uint32_t libseccomp_token;  // as audit_arch, but x32 has one of its own
};

inline constexpr std::uint32_t kX32Bit = 0x40000000;

#if defined(__x86_64__)
inline constexpr std::array<Abi, 3> kAbis{{
    {"x86-64", AUDIT_ARCH_X86_64, 0, AUDIT_ARCH_X86_64},
    {"x32", AUDIT_ARCH_X86_64, kX32Bit, AUDIT_ARCH_X86_64 & ~__AUDIT_ARCH_64BIT},
    {"i386", AUDIT_ARCH_I386, 0, AUDIT_ARCH_I386},
}};
#elif defined(__aarch64__)
inline constexpr std::array<Abi, 2> kAbis{{
    {"aarch64", AUDIT_ARCH_AARCH64, 0, AUDIT_ARCH_AARCH64},
    {"arm", AUDIT_ARCH_ARM, 0, AUDIT_ARCH_ARM},
}};
#else
#error "unknown machine"
#endif

}  // namespace gpuinit::seccomp
