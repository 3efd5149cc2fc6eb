// The first instructions of the program: block every signal, then start the C library.
//
// The kernel drops a signal to PID 1 that is neither blocked nor handled. Start-up
// of a static glibc program takes some 400 µs before main; a TERM in that time would
// be lost for good. The program is therefore linked with `-e gpuinit_start`.
#include "launch/inherited_state.h"

namespace gpuinit::launch {

extern "C" {
// Written before the program has relocated itself: both are addressed relative to
// the instruction pointer, and no relocation points into them.
[[gnu::visibility("hidden")]] SignalSet gpuinit_early_mask = 0;
[[gnu::visibility("hidden")]] int gpuinit_early_done = 0;
}

// rt_sigprocmask(SIG_BLOCK, every signal, &gpuinit_early_mask, 8), and on to _start.
// What _start expects is kept: the stack, and the register with the function that a
// dynamic loader wants called at exit (rdx, x0).
#if defined(__x86_64__)
asm(R"(
    .pushsection .text.gpuinit_start,"ax",@progbits
    .globl gpuinit_start
    .hidden gpuinit_start
    .type gpuinit_start, @function
gpuinit_start:
    .cfi_startproc
    .cfi_undefined rip
    endbr64
    movq %rdx, %r9
    movl $14, %eax
    xorl %edi, %edi
    leaq 1f(%rip), %rsi
    leaq gpuinit_early_mask(%rip), %rdx
    movl $8, %r10d
    syscall
    movl $1, gpuinit_early_done(%rip)
    movq %r9, %rdx
    jmp _start
    .cfi_endproc
    .size gpuinit_start, .-gpuinit_start
    .balign 8
1:  .quad -1
    .popsection
)");
#elif defined(__aarch64__)
asm(R"(
    .pushsection .text.gpuinit_start,"ax",@progbits
    .globl gpuinit_start
    .hidden gpuinit_start
    .type gpuinit_start, @function
gpuinit_start:
    .cfi_startproc
    .cfi_undefined x30
    hint #34
    mov x9, x0
    mov x8, #135
    mov x0, #0
    adr x1, 1f
    adrp x2, gpuinit_early_mask
    add x2, x2, :lo12:gpuinit_early_mask
    mov x3, #8
    svc #0
    mov w1, #1
    adrp x2, gpuinit_early_done
    str w1, [x2, :lo12:gpuinit_early_done]
    mov x0, x9
    b _start
    .cfi_endproc
    .size gpuinit_start, .-gpuinit_start
    .balign 8
1:  .quad -1
    .popsection
)");
#else
#error "unknown machine"
#endif

std::optional<SignalSet> mask_before_early_block() {
  // The compiler sees no code that writes them.
  const volatile int& done = gpuinit_early_done;
  const volatile SignalSet& mask = gpuinit_early_mask;
  if (done == 0) return std::nullopt;
  return mask;
}

}  // namespace gpuinit::launch
