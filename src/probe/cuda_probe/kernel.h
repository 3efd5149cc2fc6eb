// The kernel that a context trial runs: word i of the output becomes kernel_word(i, seed).
//
// Written as PTX and compiled by the driver, because one text serves every GPU. The ISA
// is the oldest that has what is needed, PTX 3.0 for sm_30: "PTX code generated for some
// specific compute capability can always be compiled to binary code of greater or equal
// compute capability" (CUDA C++ Programming Guide, PTX Compatibility), and a driver
// accepts every PTX ISA up to its own. Checked with ptxas 11.8, 12.4, 13.0 and 13.5:
// each compiles this text for every architecture it knows, sm_35 to sm_121, without a
// warning, although sm_30 itself can no longer be a target.
#pragma once

namespace gpuinit::cuda_probe {

inline constexpr unsigned kBlocks = 8;
inline constexpr unsigned kThreads = 128;
inline constexpr unsigned kWords = kBlocks * kThreads;
inline constexpr char kKernelName[] = "gpuinit_probe";

constexpr unsigned kernel_word(unsigned index, unsigned seed) { return index * 0x9E3779B1U ^ seed; }

inline constexpr char kKernelPtx[] = R"(.version 3.0
.target sm_30
.address_size 64
.visible .entry gpuinit_probe(.param .u64 output, .param .u32 seed)
{
  .reg .b32 %r<7>;
  .reg .b64 %rd<5>;
  ld.param.u64 %rd1, [output];
  ld.param.u32 %r1, [seed];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  mul.lo.u32 %r6, %r5, 0x9E3779B1;
  xor.b32 %r6, %r6, %r1;
  cvta.to.global.u64 %rd2, %rd1;
  mul.wide.u32 %rd3, %r5, 4;
  add.s64 %rd4, %rd2, %rd3;
  st.global.u32 [%rd4], %r6;
  ret;
}
)";

}  // namespace gpuinit::cuda_probe
