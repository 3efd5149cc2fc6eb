// System calls that may be newer than libseccomp's tables (2.5.4 as released knows 448).
//
// Since Linux 5.1 a new call has one number for all ABIs (x32: with its bit set).
// Source: arch/x86/entry/syscalls/syscall_64.tbl, syscall_32.tbl; include/uapi/
// asm-generic/unistd.h.
#pragma once

#include <string_view>

namespace gpuinit::seccomp {

struct PostLibseccompSyscall {
  std::string_view name;
  int number;  // -1: not on the architectures that we run on
  bool x86_64_only = false;
};

inline constexpr PostLibseccompSyscall kPostLibseccompSyscalls[] = {
    {"uretprobe", 335, true},   {"uprobe", 336, true},
    {"futex_waitv", 449},       {"set_mempolicy_home_node", 450},
    {"cachestat", 451},         {"fchmodat2", 452},
    {"map_shadow_stack", 453},  {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},  {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},
    {"listxattrat", 465},       {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},
    {"file_setattr", 469},      {"listns", 470},
    {"rseq_slice_yield", 471},  {"riscv_hwprobe", -1},
};

// Null if there is none.
inline const PostLibseccompSyscall* find_post_libseccomp_syscall(std::string_view name) {
  for (const auto& call : kPostLibseccompSyscalls)
    if (call.name == name) return &call;
  return nullptr;
}
inline const PostLibseccompSyscall* find_post_libseccomp_syscall(int number) {
  for (const auto& call : kPostLibseccompSyscalls)
    if (number >= 0 && call.number == number) return &call;
  return nullptr;
}

}  // namespace gpuinit::seccomp
