// A program that is not Python, with its libraries and what it opens by name for GPUs, as a
// framework: llama.cpp's server, ollama, an embedding server in Rust.
#pragma once

#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::image {

// The program itself, if it carries code for GPUs, needs CUDA's libraries, or lacks a library or a
// version that it needs; then the libraries that it opens by name (libggml-cuda.so beside it or in
// ollama's directories, ONNX Runtime's CUDA provider). `program` is a path inside the root. Empty
// if the program cannot be read, or has another loader than glibc's.
//
// Source: llama.cpp, ggml/src/ggml-backend-reg.cpp (the program's directory); ollama,
// ml/path.go and discover (../lib/ollama, its cuda_v12 and cuda_v13); ONNX Runtime,
// core/session/provider_bridge_ort.cc (the library's own directory).
std::vector<Framework> read_program_frameworks(const base::RootFs& fs,
                                               const base::Environment& environment,
                                               const std::string& program);

}  // namespace gpuinit::image
