#include "checks/engines.h"

#include <algorithm>

#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// Sources: vLLM, vllm/compilation/backends.py, vllm/envs.py; SGLang, python/sglang/srt (kernels in
// Triton, `import flashinfer`); Unsloth, unsloth/kernels.
constexpr Engine kEngines[] = {
    {"vllm", "TMPDIR VLLM_CACHE_ROOT"},
    {"sglang", "TMPDIR TRITON_CACHE_DIR FLASHINFER_WORKSPACE_BASE"},
    {"unsloth", "TMPDIR TRITON_CACHE_DIR"},
};

// `vllm serve`, `python -m vllm.entrypoints.openai.api_server`
bool runs(const Program& program, std::string_view name) {
  std::string_view module = program.runs;
  if (module.starts_with("-m ")) {
    module = module.substr(3, module.find_first_of(" .", 3) - 3);
    if (module == name) return true;
  }
  return std::ranges::find(program.imports, name) != program.imports.end();
}

}  // namespace

const Engine* engine_of(const Context& context, std::string& why) {
  const ImageFacts& image = context.image;
  for (const Engine& engine : kEngines) {
    if (image.command.empty() && image.packages) {
      for (const Package& package : *image.packages) {
        if (package.name != engine.name) continue;
        why = joined({engine.name, " is installed"});
        return &engine;
      }
    } else if (image.program && runs(*image.program, engine.name)) {
      why = joined({"the command runs ", engine.name});
      return &engine;
    }
  }
  return nullptr;
}

bool compiles_little(const Context& context) {
  return std::ranges::find(context.image.command, "--enforce-eager") != context.image.command.end();
}

const std::string* heeded_variable(const Context& context, const std::string& name) {
  if (!context.image.variables) return nullptr;
  const auto found = context.image.variables->find(name);
  return found == context.image.variables->end() ? nullptr : &found->second;
}

}  // namespace gpuinit::checks
