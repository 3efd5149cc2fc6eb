// Where the kernel (or the loader) enters the CUDA probe.
//
// The build machine's crt1.o would ask for its own glibc's __libc_start_main (2.34 and
// later: another version of the symbol), so the probe brings its own. There are no
// static constructors: init and fini are null, which every glibc since 2.17 accepts.
#include "cuda_probe_main.h"

#if defined(__x86_64__)
// System V ABI, x86-64, section 3.4.1: argc at (%rsp), argv after it, %rdx = rtld_fini.
asm(R"(
  .text
  .globl _start
  .type _start, @function
_start:
  .cfi_startproc
  .cfi_undefined rip
  xorl %ebp, %ebp
  movq %rdx, %r9
  popq %rsi
  movq %rsp, %rdx
  andq $-16, %rsp
  pushq %rax
  pushq %rsp
  xorl %r8d, %r8d
  xorl %ecx, %ecx
  leaq gpuinit_cuda_probe_main(%rip), %rdi
  call *__libc_start_main@GOTPCREL(%rip)
  hlt
  .cfi_endproc
  .size _start, .-_start
)");
#elif defined(__aarch64__)
// AAPCS64: argc at [sp], argv after it, x0 = rtld_fini.
asm(R"(
  .text
  .globl _start
  .type _start, %function
_start:
  .cfi_startproc
  .cfi_undefined x30
  mov x29, #0
  mov x30, #0
  mov x5, x0
  ldr x1, [sp]
  add x2, sp, #8
  mov x6, sp
  adrp x0, gpuinit_cuda_probe_main
  add x0, x0, :lo12:gpuinit_cuda_probe_main
  mov x3, #0
  mov x4, #0
  bl __libc_start_main
  brk #1
  .cfi_endproc
  .size _start, .-_start
)");
#else
#error "the CUDA probe has no start code for this machine"
#endif
