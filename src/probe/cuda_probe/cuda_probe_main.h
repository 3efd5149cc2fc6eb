// The CUDA probe's entry point, called by __libc_start_main.
#pragma once

extern "C" int gpuinit_cuda_probe_main(int argc, char** argv);
