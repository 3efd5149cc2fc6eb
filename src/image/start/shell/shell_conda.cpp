// `conda activate`, by what it does: its function runs conda's own program to be told.
// Source: conda, activate.py (_Activator.build_activate) and shell/etc/profile.d/conda.sh.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

// `prefix`/bin in front of `path`, or where `old`/bin was. nullopt: conda would clean it up.
std::optional<std::string> path_with(const std::string& path, const std::string& prefix,
                                     const std::string& old, const std::string& root) {
  std::vector<std::string> parts;
  for (const auto part : base::split(path, ':')) {
    if (part.empty()) return std::nullopt;
    parts.emplace_back(part);
  }
  std::size_t at = 0;
  if (!old.empty()) {
    const auto found = std::find(parts.begin(), parts.end(), old + "/bin");
    at = found == parts.end() ? 0 : static_cast<std::size_t>(found - parts.begin());
    if (found != parts.end()) parts.erase(found);
  } else if (std::none_of(parts.begin(), parts.end(),
                          [](const auto& p) { return p.ends_with("condabin"); })) {
    parts.insert(parts.begin(), root + "/condabin");
  }
  parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(at), prefix + "/bin");
  return base::join_with(parts, ":");
}

}  // namespace

bool Interpreter::conda(const Words& arguments) {
  const auto& words = arguments.words;
  const auto function_here = state.functions.find(words[0].text);
  if ((words[0].text != "conda" && words[0].text != "mamba") ||
      function_here->second.source == nullptr ||
      !(function_here->second.source->ends_with("/etc/profile.d/conda.sh") ||
        function_here->second.source->ends_with("/etc/profile.d/mamba.sh")))
    return false;
  const std::string source_file = *function_here->second.source;
  const std::string root = source_file.substr(
      0, source_file.size() - std::string_view("/etc/profile.d/conda.sh").size());
  if (words.size() < 2 || !words[1].known) return unclear("`conda`"), true;
  if (words[1].text != "activate") {
    // `conda info`, `conda install`: its program.
    external(arguments);
    return true;
  }
  if (!arguments.known() || words.size() > 3)
    return unclear("`conda activate` of something unknown"), true;
  const std::string name = words.size() > 2 ? words[2].text : "base";
  if (name.starts_with("-")) return unclear("`conda activate %`", name), true;
  std::string prefix;
  if (name == "base" || name == "root") {
    prefix = root;
  } else if (name.find('/') != std::string::npos) {
    prefix = absolute(name).value_or("");
  } else {
    // Where its settings may name other directories for environments, it is not known which.
    std::vector<std::string> settings{root + "/.condarc", root + "/condarc", "/etc/conda/.condarc",
                                      "/etc/conda/condarc"};
    settings.push_back(get("HOME").text + "/.condarc");
    settings.push_back(get("HOME").text + "/.conda/.condarc");
    for (const auto& file : settings) {
      const auto text = fs.read_file(file);
      if (text && text->find("envs_dirs") != std::string::npos)
        return unclear("`envs_dirs` in %", file), true;
    }
    if (get("CONDA_ENVS_PATH").surely_not_empty() || get("CONDA_ENVS_DIRS").surely_not_empty())
      return unclear("CONDA_ENVS_DIRS"), true;
    for (const std::string& directory : {root + "/envs", get("HOME").text + "/.conda/envs"})
      if (prefix.empty() && fs.is_directory(directory + "/" + name))
        prefix = directory + "/" + name;
  }
  if (prefix.empty() || (prefix != root && !fs.is_directory(prefix + "/conda-meta")) ||
      touched(prefix))
    return unclear("the conda environment % does not exist", name), true;
  for (const auto& place_of_settings : {prefix, root})
    for (const char* file : {"/conda-meta/state", "/etc/conda/env_vars.d"})
      if (fs.stat(place_of_settings + file))
        return unclear("variables of %", place_of_settings), true;
  const Value level = get("CONDA_SHLVL");
  const Value old = get("CONDA_PREFIX");
  const Value path = get("PATH");
  if (!level.known || !old.known || !path.known || (level.text.size() > 1))
    return unclear("`conda activate` in a state that is unknown"), true;
  const bool nested = !level.text.empty() && level.text != "0" && !old.text.empty();
  auto new_path = path_with(path.text, prefix, nested ? old.text : "", root);
  if (!new_path) return unclear("an empty element of `PATH`"), true;

  const auto run_scripts = [&](const std::string& directory, bool backwards) {
    auto scripts = fs.list(directory);
    if (!scripts) return;
    if (backwards) std::reverse(scripts->begin(), scripts->end());
    for (const auto& script : *scripts) {
      if (!script.ends_with(".sh") || !going()) continue;
      const std::string file = directory + "/" + script;
      if (touched(file) || !run_file(file, file)) unclear("`%`", file);
    }
  };
  if (nested) run_scripts(old.text + "/etc/conda/deactivate.d", true);
  const auto give = [&](std::string_view name_of, Value value) {
    set(name_of, std::move(value));
    variable(name_of).exported = true;
  };
  give("PATH", {*std::move(new_path)});
  const bool same = nested && old.text == prefix;
  if (nested && !same) give("CONDA_PREFIX_" + level.text, {old.text});
  give("CONDA_PREFIX", {prefix});
  if (!same) give("CONDA_SHLVL", {std::to_string(nested ? level.text[0] - '0' + 1 : 1)});
  const bool named = prefix == root || base::basename(base::parent(prefix)) == "envs";
  give("CONDA_DEFAULT_ENV", {prefix == root ? "base"
                             : named        ? std::string(base::basename(prefix))
                                            : prefix});
  give("CONDA_PROMPT_MODIFIER", unknown_value());
  for (const char* variable : {"_CE_M", "_CE_CONDA", "PS1"})
    if (state.variables.count(variable) != 0) set(variable, unknown_value());
  give("CONDA_EXE", {root + "/bin/conda"});
  give("CONDA_PYTHON_EXE", {root + "/bin/python"});
  if (steps.size() < 100) steps.push_back({"conda activate " + name, prefix, place()});
  run_scripts(prefix + "/etc/conda/activate.d", false);
  if (going()) status(0);
  return true;
}

}  // namespace gpuinit::image::shell
