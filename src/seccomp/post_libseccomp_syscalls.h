// System calls that may be newer than libseccomp's tables (2.5.4 as released knows 448).
//
// Since Linux 5.1 a new call has one number for all ABIs (x32: with its bit set).
// Source: arch/x86/entry/syscalls/syscall_64.tbl, syscall_32.tbl; include/uapi/
// asm-generic/unistd.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::seccomp {

struct PostLibseccompSyscall {
  std::string_view name;
  int number;  // -1: not on the architectures that we run on
  bool x86_64_only = false;
};

// Null if there is none.
const PostLibseccompSyscall* find_post_libseccomp_syscall(std::string_view name);
const PostLibseccompSyscall* find_post_libseccomp_syscall(int number);

std::vector<std::string> post_libseccomp_syscall_names();

}  // namespace gpuinit::seccomp
