// Frameworks beside torch (jax, onnxruntime, the command's own program) as the checks judge them.
#pragma once

#include <string>

#include "checks/check.h"
#include "gpuinit/facts.h"

namespace gpuinit::checks {

// A GPU is needed for one of them: the command runs it, require.frameworks names it, or it was
// installed for GPUs and there is no torch.
bool frameworks_need_gpu(const ImageFacts& image, const Policy& policy);

// What a fault of a framework stands in the way of.
enum class Hindered {
  kStart,  // its library or program cannot be loaded
  kGpu,    // it gets no GPU, and may go on with the CPU
  kCode,   // it has no code for the GPU that it gets
};

// That fault of the framework surely stops the command.
bool surely_stops(const Framework& framework, Hindered what, const ImageFacts& image,
                  const Policy& policy);

// Why a fault of a framework that does not surely stop the command is only a warning.
std::string why_only_warned(const Framework& framework, Hindered what);

// What `judge` says of each framework that may use a GPU here, or that cannot be loaded; failures
// become warnings unless they surely stop the command. Of several of one name (for CUDA 12 and 13)
// one that is good is enough. `with` is passed on to `judge`.
using JudgeFramework = Findings (*)(const Context&, const Framework&, const void* with);
void add_of_frameworks(const Context& context, Hindered what, Findings& findings,
                       JudgeFramework judge, const void* with = nullptr);

// What keeps torch from being loaded, then each framework.
Findings of_loading(const Context& context, Findings (*of_torch)(const Context&),
                    JudgeFramework of_framework);

// There is no torch to be judged, and a GPU is needed for the frameworks alone.
bool only_frameworks(const Context& context);

// There is no Python to be judged, and the command is a program with libraries of its own.
bool only_program(const Context& context);

// "jax 0.12.0"; "llama-server".
std::string words_of(const Framework& framework);

}  // namespace gpuinit::checks
