#include "seccomp/post_libseccomp_syscalls.h"

namespace gpuinit::seccomp {

namespace {

constexpr PostLibseccompSyscall kPostLibseccompSyscalls[] = {
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

}  // namespace

const PostLibseccompSyscall* find_post_libseccomp_syscall(std::string_view name) {
  for (const PostLibseccompSyscall& call : kPostLibseccompSyscalls)
    if (call.name == name) return &call;
  return nullptr;
}

const PostLibseccompSyscall* find_post_libseccomp_syscall(int number) {
  for (const PostLibseccompSyscall& call : kPostLibseccompSyscalls)
    if (number >= 0 && call.number == number) return &call;
  return nullptr;
}

std::vector<std::string> post_libseccomp_syscall_names() {
  std::vector<std::string> names;
  for (const PostLibseccompSyscall& call : kPostLibseccompSyscalls) names.emplace_back(call.name);
  return names;
}

}  // namespace gpuinit::seccomp
