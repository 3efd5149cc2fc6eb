// Words of a command that decide what is judged of it, wherever they stand. All else that a
// program is given is its own, and may be a secret: no fact has it (image/start/kept_words.h).
#pragma once

#include <string_view>

namespace gpuinit::rules {

// A program or module that starts one process for each GPU, or several for one: "torchrun",
// "torch.distributed.run", "/usr/bin/mpirun".
bool is_launcher(std::string_view word);

// What an inference engine is given when it compiles nothing: "--enforce-eager", "bench".
bool says_no_compiling(std::string_view word);

}  // namespace gpuinit::rules
