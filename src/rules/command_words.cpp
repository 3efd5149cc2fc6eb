#include "rules/command_words.h"

#include <algorithm>
#include <array>

namespace gpuinit::rules {

namespace {

constexpr std::array<std::string_view, 9> kLaunchers{"torchrun",   "torch.distributed",
                                                     "accelerate", "deepspeed",
                                                     "horovodrun", "mpirun",
                                                     "vllm",       "sglang",
                                                     "ray"};

constexpr std::array<std::string_view, 5> kWithoutCompiling{"--enforce-eager", "chat", "complete",
                                                            "bench", "collect-env"};

}  // namespace

bool is_launcher(std::string_view word) {
  const std::string_view name = word.substr(word.rfind('/') + 1);
  return std::ranges::any_of(kLaunchers, [&](std::string_view launcher) {
    return name.starts_with(launcher) &&
           (name.size() == launcher.size() || name[launcher.size()] == '.');
  });
}

bool says_no_compiling(std::string_view word) {
  return std::ranges::find(kWithoutCompiling, word) != kWithoutCompiling.end();
}

}  // namespace gpuinit::rules
