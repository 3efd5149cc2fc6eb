#include "checks/engines.h"

#include <algorithm>

#include "checks/finding_builder.h"
#include "rules/command_words.h"

namespace gpuinit::checks {

namespace {

// Sources: vLLM, vllm/compilation/backends.py, vllm/envs.py; SGLang, python/sglang/srt (kernels in
// Triton, `import flashinfer`); Unsloth, unsloth/kernels.
constexpr Engine kEngines[] = {
    {"vllm", "vllm.entrypoints", "TMPDIR VLLM_CACHE_ROOT"},
    {"sglang", "sglang.launch_server", "TMPDIR TRITON_CACHE_DIR FLASHINFER_WORKSPACE_BASE"},
    {"unsloth", "unsloth", "TMPDIR TRITON_CACHE_DIR"},
};

// `vllm serve`, `python -m vllm.entrypoints.openai.api_server`, a script with `import vllm`.
bool runs(const Program& program, const Engine& engine) {
  const std::string_view what = program.runs;
  if (what.starts_with("-m ")) return what.substr(3).starts_with(engine.module);
  for (const auto* names : {&program.imports, &program.script_imports})
    if (std::ranges::find(*names, engine.name) != names->end()) return true;
  return false;
}

}  // namespace

const Engine* engine_of(const Context& context, std::string& why) {
  const ImageFacts& image = context.image;
  for (const std::string& word : image.command)
    if (rules::says_no_compiling(word)) return nullptr;
  for (const Engine& engine : kEngines) {
    if (image.command.empty() && image.packages) {
      for (const Package& package : *image.packages) {
        if (package.name != engine.name) continue;
        why = joined({engine.name, " is installed"});
        return &engine;
      }
    } else if (image.program && runs(*image.program, engine)) {
      why = joined({"the command runs ", engine.name});
      return &engine;
    }
  }
  return nullptr;
}

bool is_set(const Context& context, std::string_view name) {
  if (!context.image.variables) return false;
  const auto found = context.image.variables->find(std::string(name));
  return found != context.image.variables->end() && !found->second.empty();
}

}  // namespace gpuinit::checks
