#include "image/start/runner.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "image/start/path_search.h"
#include "image/start/shell/follow_shell.h"
#include "image/start/words.h"
#include "rules/python_version.h"

namespace gpuinit::image {

namespace {

using Outcome = Result<std::optional<RunnerOutcome>>;

constexpr int kMaxDepth = 256;  // directories above the working directory

// `words` at which the command begins, and the values of some options.
struct Given {
  std::size_t command = 0;
  std::vector<std::pair<std::string, std::string>> options;
  std::string value(std::string_view name, std::string_view other = "") const {
    std::string found;
    for (const auto& [option, text] : options)
      if (option == name || option == other) found = text;
    return found;
  }
  bool has(std::string_view name) const {
    return std::any_of(options.begin(), options.end(),
                       [&](const auto& it) { return it.first == name; });
  }
};

// `with_value`, `flags`: the options known, as they are written. An error for others: whether the
// next word is their value is not known.
Result<Given> read_options(const std::vector<std::string>& words, std::size_t at,
                           std::string_view with_value, std::string_view flags) {
  Given given;
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word.size() < 2 || word[0] != '-') break;
    const auto equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    if (has_word(with_value, name)) {
      if (equals == std::string::npos && at + 1 >= words.size())
        return Error{name + " has no value"};
      given.options.emplace_back(
          name, equals == std::string::npos ? words[++at] : word.substr(equals + 1));
    } else if (has_word(flags, name)) {
      given.options.emplace_back(name, "");
    } else if (!word.starts_with("--") && has_word(with_value, word.substr(0, 2))) {
      given.options.emplace_back(word.substr(0, 2), word.substr(2));  // -p3.12
    } else {
      return Error{base::printable(masked(word), 60) + " is not known here"};
    }
  }
  given.command = at;
  return given;
}

// The nearest directory, from `directory` upwards, that has one of the files; empty if none has.
std::string directory_with(const base::RootFs& fs, std::string directory, std::string_view files) {
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    for (const std::string_view file : base::split_words(files))
      if (fs.stat(base::join(directory, file))) return directory;
    if (directory == "/") break;
    directory = base::parent(directory);
  }
  return "";
}

bool is_venv(const base::RootFs& fs, const std::string& directory) {
  return fs.is_file(base::join(directory, "pyvenv.cfg"));
}

// What `activate` of a venv does, without the shell's part.
void enter_venv(const std::string& directory, Exec& exec) {
  exec.environment["VIRTUAL_ENV"] = directory;
  const std::string path = search_path_of(exec.environment);
  exec.environment["PATH"] = base::join(directory, "bin") + (path.empty() ? "" : ":" + path);
}

// Source: PEP 538: a Python started in the C locale tells its children another one.
void passed_python(Exec& exec) {
  if (base::variable(exec.environment, "LC_ALL").empty() && exec.environment.count("LC_CTYPE") == 0)
    exec.unknown_variables.insert("LC_CTYPE");
}

Outcome outcome(Exec exec, std::string environment) {
  return std::optional(RunnerOutcome{std::move(exec), std::move(environment)});
}

// --- uv. Source: uv's reference of `uv run`; crates/uv/src/commands/project/run.rs ---------------

constexpr std::string_view kUvValues =
    "--python -p --project --directory --package --extra --group --no-group --only-group "
    "--no-extra --index --default-index --index-url -i --extra-index-url --find-links -f "
    "--cache-dir --color --config-file --link-mode --upgrade-package -P --allow-insecure-host "
    "--prerelease --resolution --exclude-newer --python-preference --refresh-package "
    "--reinstall-package --config-setting -C --keyring-provider --index-strategy";
constexpr std::string_view kUvFlags =
    "-q --quiet -v --verbose -vv --frozen --locked --no-sync --no-dev --dev --only-dev "
    "--all-extras "
    "--all-groups --no-default-groups --inexact --exact --no-editable --active --no-active "
    "--offline --no-cache -n --no-project --no-config --native-tls --system-certs "
    "--managed-python --no-managed-python --no-python-downloads --no-progress --no-env-file "
    "--refresh --reinstall --compile-bytecode --no-build-isolation --no-sources --upgrade -U "
    "--all-packages -m --module -s --script --gui-script --help -h";

// The version that the environment was made for, "3.12.4"; empty if its pyvenv.cfg does not say.
std::string version_of(const base::RootFs& fs, const std::string& venv) {
  const std::string text = fs.read_file(base::join(venv, "pyvenv.cfg")).value_or("");
  for (const std::string_view line : base::split_lines(text)) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = base::trim(line.substr(0, equals));
    if (key == "version" || key == "version_info")
      return std::string(base::trim(line.substr(equals + 1)));
  }
  return "";
}

bool has_version(const std::string& version, std::string_view wanted) {
  if (wanted.starts_with("python")) wanted.remove_prefix(6);
  if (wanted.empty() || wanted.find_first_not_of("0123456789.") != std::string_view::npos)
    return false;
  return (version + ".").starts_with(std::string(wanted) + ".");
}

// False if the project refuses it, or that cannot be told.
bool meets_requirement(std::string_view project, const std::string& version) {
  for (std::string_view line : base::split_lines(project)) {
    line = base::trim(line);
    if (!line.starts_with("requires-python")) continue;
    line = base::trim(line.substr(0, line.find('#')));
    const auto from = line.find_first_of("\"'");
    if (from == std::string_view::npos || line.size() < from + 2 || line.back() != line[from])
      return false;
    const std::string_view specifiers = line.substr(from + 1, line.size() - from - 2);
    if (rules::satisfies_all(version, specifiers) != Tristate::kYes) return false;
  }
  return true;
}

// The environment that uv takes; an error where it makes one first or looks for another Python.
Result<std::string> uv_environment(const base::RootFs& fs, const Exec& exec, const Given& given) {
  const auto variable = [&](const char* name) { return base::variable(exec.environment, name); };
  const std::string& here = exec.working_directory;
  std::string start = given.value("--project");
  if (start.empty()) start = variable("UV_PROJECT");
  start = base::normalize(base::join(here, start.empty() ? "." : start));
  const bool no_project = given.has("--no-project") || variable("UV_NO_PROJECT") == "1" ||
                          variable("UV_NO_PROJECT") == "true";
  std::string project = no_project ? "" : directory_with(fs, start, "pyproject.toml");
  if (!project.empty()) {
    const std::string text = fs.read_file(base::join(project, "pyproject.toml")).value_or("");
    if (text.find("[tool.uv") != std::string::npos &&
        (text.find("workspace") != std::string::npos || text.find("managed") != std::string::npos))
      return Error{"what " + project + "/pyproject.toml says of [tool.uv]"};
    // A member's environment is that of its workspace.
    for (std::string above = base::join(project, ".."); project != "/";) {
      above = directory_with(fs, base::normalize(above), "pyproject.toml");
      if (above.empty()) break;
      if (fs.read_file(base::join(above, "pyproject.toml"))
              .value_or("")
              .find("tool.uv.workspace") != std::string::npos)
        return Error{"the uv workspace of " + above};
      if (above == "/") break;
      above = base::parent(above);
    }
    // Releases differ on whether that is a project.
    if (text.find("[project]") == std::string::npos && !variable("VIRTUAL_ENV").empty())
      return Error{"uv with VIRTUAL_ENV and " + project +
                   "/pyproject.toml, which has no [project]"};
  }
  const std::string active = variable("VIRTUAL_ENV");
  if (!project.empty()) {
    std::string set = variable("UV_PROJECT_ENVIRONMENT");
    if (given.has("--active") && !active.empty()) set = base::join(here, active);
    const std::string directory = base::normalize(base::join(project, set.empty() ? ".venv" : set));
    if (!is_venv(fs, directory))
      return Error{"uv would make the environment " + directory + " first"};
    const std::string text = fs.read_file(base::join(project, "pyproject.toml")).value_or("");
    if (!meets_requirement(text, version_of(fs, directory)))
      return Error{"uv would make " + directory + " anew for what " + project + " requires"};
    return directory;
  }
  if (!active.empty() && is_venv(fs, base::join(here, active))) return base::join(here, active);
  const std::string above = directory_with(fs, here, ".venv");
  if (!above.empty() && is_venv(fs, base::join(above, ".venv"))) return base::join(above, ".venv");
  return Error{"uv looks for a Python outside any environment"};
}

// The first version that a file beside or above the project asks for; it counts before the
// project's environment does.
std::string pinned_version(const base::RootFs& fs, const std::string& directory) {
  for (const char* name : {".python-version", ".python-versions"}) {
    const std::string above = directory_with(fs, directory, name);
    if (above.empty()) continue;
    const std::string text = fs.read_file(base::join(above, name)).value_or("");
    for (const std::string_view line : base::split_lines(text))
      if (const auto word = base::trim(line); !word.empty() && word[0] != '#')
        return std::string(word);
  }
  return "";
}

Outcome follow_uv(const base::RootFs& fs, const std::string& path, const Exec& uv) {
  constexpr std::string_view kGlobalValues =
      "--directory --project --cache-dir --color --config-file";
  const auto global =
      read_options(uv.argv, 1, kGlobalValues,
                   "-q --quiet -v --verbose --offline --no-cache -n --no-config "
                   "--native-tls --managed-python --no-progress --help -h --version -V");
  if (!global) return Error{"uv " + global.error().message};
  if (global->has("--help") || global->has("-h") || global->command >= uv.argv.size())
    return std::optional<RunnerOutcome>();
  if (const std::string& verb = uv.argv[global->command]; verb != "run") {
    if (verb == "tool" || verb == "x") return Error{"the environment that uv makes for a tool"};
    return std::optional<RunnerOutcome>();
  }
  auto given = read_options(uv.argv, global->command + 1, kUvValues, kUvFlags);
  if (!given) return Error{"uv run " + given.error().message};
  given->options.insert(given->options.begin(), global->options.begin(), global->options.end());
  for (const char* name : {"UV_ENV_FILE", "UV_ISOLATED", "UV_WITH", "UV_WORKING_DIRECTORY"})
    if (!base::variable(uv.environment, name).empty()) return Error{std::string("uv with ") + name};

  Exec exec = uv;
  exec.argv = words_from(uv.argv, given->command);
  if (const std::string directory = given->value("--directory"); !directory.empty())
    exec.working_directory = base::normalize(base::join(exec.working_directory, directory));
  if (given->has("--help") || given->has("-h")) return std::optional<RunnerOutcome>();
  if (exec.argv.empty()) return std::optional<RunnerOutcome>();  // it lists what it could run
  auto venv = uv_environment(fs, exec, *given);
  if (!venv) return std::move(venv).error();
  std::string python = given->value("--python", "-p");
  if (python.empty()) python = base::variable(exec.environment, "UV_PYTHON");
  if (python.empty()) python = pinned_version(fs, exec.working_directory);
  if (!python.empty() && !has_version(version_of(fs, *venv), python))
    return Error{"uv would make " + *venv + " anew for Python " + base::printable(python, 40)};

  const std::string program = exec.argv[0];
  const std::string file = base::normalize(base::join(exec.working_directory, program));
  const bool is_script =
      given->has("-s") || given->has("--script") ||
      ((program.ends_with(".py") || program.ends_with(".pyw")) && fs.is_file(file));
  if (program == "-" || program.find("://") != std::string::npos)
    return Error{"uv runs what it reads from elsewhere"};
  if (is_script) {
    const std::string text = fs.read_file(file).value_or("");
    if (text.find("# /// script") != std::string::npos)
      return Error{"the environment that uv makes for the script " + file};
  } else if (fs.is_directory(file) && program.find('/') != std::string::npos) {
    return Error{"uv runs a directory"};
  }
  enter_venv(*venv, exec);
  exec.environment["UV"] = fs.resolve(path).value_or(path);
  const auto depth = base::parse_number(base::variable(exec.environment, "UV_RUN_RECURSION_DEPTH"));
  exec.environment["UV_RUN_RECURSION_DEPTH"] = std::to_string(depth.value_or(0) + 1);
  const std::string interpreter = base::join(*venv, "bin/python");
  const bool is_module = given->has("-m") || given->has("--module");
  if (is_module) exec.argv.insert(exec.argv.begin(), {interpreter, "-m"});
  else if (is_script) exec.argv.insert(exec.argv.begin(), interpreter);
  else if (program == "python") exec.argv[0] = interpreter;
  return outcome(std::move(exec), *std::move(venv));
}

// --- conda. Source: conda run --help; conda/cli/main_run.py
// ---------------------------------------

std::string conda_environment(const base::RootFs& fs, const Exec& exec, const std::string& root,
                              const Given& given) {
  const std::string prefix = given.value("-p", "--prefix");
  if (!prefix.empty()) return base::normalize(base::join(exec.working_directory, prefix));
  const std::string name = given.value("-n", "--name");
  if (name.empty() || name == "base" || name == "root") return root;
  std::vector<std::string> places;
  for (const auto place : base::split(base::variable(exec.environment, "CONDA_ENVS_PATH"), ':'))
    if (!place.empty()) places.emplace_back(place);
  places.push_back(base::join(root, "envs"));
  if (const std::string home = base::variable(exec.environment, "HOME"); !home.empty())
    places.push_back(base::join(home, ".conda/envs"));
  for (const std::string& place : places)
    if (fs.is_directory(base::join(place, name + "/conda-meta"))) return base::join(place, name);
  return "";
}

Outcome follow_conda(const base::RootFs& fs, std::string_view name, const std::string& path,
                     const Exec& conda) {
  if (conda.argv.size() < 2 || conda.argv[1] != "run") return std::optional<RunnerOutcome>();
  const auto given = read_options(
      conda.argv, 2, "-n --name -p --prefix --cwd -r --root-prefix",
      "--no-capture-output --live-stream -s -v -vv --verbose --dev --debug-wrapper-scripts");
  const std::string shown(name);
  if (!given) return Error{shown + " run " + given.error().message};
  if (given->command >= conda.argv.size()) return std::optional<RunnerOutcome>();
  // <root>/bin/conda or <root>/condabin/conda; micromamba lies anywhere.
  std::string root = given->value("-r", "--root-prefix");
  if (root.empty() && name == "micromamba")
    root = base::variable(conda.environment, "MAMBA_ROOT_PREFIX");
  if (root.empty()) root = base::parent(base::parent(fs.resolve(path).value_or(path)));
  const std::string prefix = conda_environment(fs, conda, root, *given);
  if (prefix.empty() || !fs.is_directory(base::join(prefix, "conda-meta")))
    return Error{shown + " run: there is no environment " +
                 base::printable(prefix.empty() ? given->value("-n", "--name") : prefix, 80)};
  // It writes a script that activates the base environment, unless its settings say not to, then
  // this one, and has a shell run it.
  if (prefix != root && fs.stat(base::join(root, "etc/conda/activate.d")))
    return Error{shown + " run: what activates " + root};
  const std::string profile = base::join(root, "etc/profile.d/conda.sh");
  Exec shell = conda;
  shell.argv = {"/bin/bash", "-c", ". \"$0\"; conda activate \"$1\"; shift; exec \"$@\"", profile,
                prefix};
  const auto command = words_from(conda.argv, given->command);
  shell.argv.insert(shell.argv.end(), command.begin(), command.end());
  shell.environment.erase("BASH_ENV");
  if (const std::string directory = given->value("--cwd"); !directory.empty())
    shell.working_directory = base::normalize(base::join(conda.working_directory, directory));
  auto activated = follow_shell(fs, "/bin/bash", shell);
  if (!activated)
    return Error{shown + " run: activating " + prefix + " past " + activated.error().message};
  Exec exec = std::move(activated->exec);
  for (const char* name_of :
       {"CONDA_SHLVL", "CONDA_PREFIX_1", "CONDA_ROOT", "_CONDA_EXE", "_CONDA_ROOT", "OLDPWD"}) {
    exec.environment.erase(name_of);
    exec.unknown_variables.insert(name_of);
  }
  passed_python(exec);
  return outcome(std::move(exec), prefix);
}

// --- The others: an environment inside the project, or the active one ----------------------------

struct ProjectRunner {
  std::string_view name;
  std::string_view project_files;
  std::string_view flags;
  std::string_view sets;  // names of what else the command sees
};

// Sources: the tools' own documentation of `run`.
constexpr ProjectRunner kProjectRunners[] = {
    {"poetry", "pyproject.toml", "-q --quiet -n --no-interaction -v --no-plugins --no-cache", ""},
    {"pipenv", "Pipfile", "-q --quiet -v --verbose", "PIPENV_* PIP_* PYTHONDONTWRITEBYTECODE"},
    {"pdm", "pyproject.toml", "-q --quiet -v --verbose --no-lock", "PDM_*"},
    {"rye", "pyproject.toml", "-q -v", ""},
    {"hatch", "pyproject.toml", "-q -v --quiet --verbose", ""},
};

Outcome follow_project_runner(const base::RootFs& fs, const ProjectRunner& runner,
                              const Exec& exec) {
  const std::string name(runner.name);
  const auto global = read_options(exec.argv, 1, "-C --directory --project", runner.flags);
  if (!global) return Error{name + " " + global.error().message};
  if (global->command >= exec.argv.size() || exec.argv[global->command] != "run")
    return std::optional<RunnerOutcome>();
  if (!global->value("-C", "--directory").empty() || global->has("--project"))
    return Error{name + " in another project"};
  const auto given = read_options(exec.argv, global->command + 1, "", runner.flags);
  if (!given) return Error{name + " run " + given.error().message};
  if (given->command >= exec.argv.size()) return std::optional<RunnerOutcome>();
  const std::string project = directory_with(fs, exec.working_directory, runner.project_files);
  if (project.empty()) return Error{name + " run: no project here"};
  const std::string text = fs.read_file(base::join(project, runner.project_files)).value_or("");
  const std::string& word = exec.argv[given->command];
  // A name of the project's own scripts may mean anything.
  if (text.find("\n" + word + " =") != std::string::npos ||
      text.find("\n" + word + "=") != std::string::npos)
    return Error{name + " run " + base::printable(word, 60) + ": a script of the project"};
  Exec next = exec;
  next.argv = words_from(exec.argv, given->command);
  if (runner.name == "poetry" &&
      base::variable(exec.environment, "POETRY_VIRTUALENVS_CREATE") == "false")
    return Error{"poetry without an environment of its own"};
  const std::string venv = base::join(project, ".venv");
  const std::string active = base::variable(exec.environment, "VIRTUAL_ENV");
  if (runner.name == "hatch" || (!active.empty() && active != venv) || !is_venv(fs, venv))
    return Error{"the environment that " + name + " keeps for " + project};
  if (fs.stat(base::join(project, ".env")))
    return Error{name + ", which may read " + project + "/.env"};
  enter_venv(venv, next);  // once more if it is the active one
  if (runner.name == "pdm") next.environment["PATH"] += ":" + base::join(venv, "bin");
  if (runner.name == "poetry") next.environment.erase("PYTHONHOME");
  for (const std::string_view variable : base::split_words(runner.sets)) {
    const std::string pattern(variable);
    const std::string_view stem = variable.substr(0, variable.find('*'));
    std::erase_if(next.environment, [&](const auto& it) {
      return stem.size() < pattern.size() ? it.first.starts_with(stem) : it.first == stem;
    });
    next.unknown_variables.insert(pattern);
  }
  passed_python(next);
  return outcome(std::move(next), venv);
}

}  // namespace

bool is_runner(std::string_view name) {
  return has_word("uv uvx conda mamba micromamba pipx", name) ||
         std::any_of(std::begin(kProjectRunners), std::end(kProjectRunners),
                     [&](const ProjectRunner& it) { return it.name == name; });
}

Outcome follow_runner(const base::RootFs& fs, std::string_view name, const std::string& path,
                      const Exec& exec) {
  if (name == "uv") return follow_uv(fs, path, exec);
  if (has_word("conda mamba micromamba", name)) return follow_conda(fs, name, path, exec);
  if (name == "uvx") return Error{"the environment that uv makes for a tool"};
  if (name == "pipx") {
    if (exec.argv.size() < 2 || exec.argv[1] != "run") return std::optional<RunnerOutcome>();
    return Error{"the environment that pipx makes for it"};
  }
  const auto* runner = std::find_if(std::begin(kProjectRunners), std::end(kProjectRunners),
                                    [&](const ProjectRunner& it) { return it.name == name; });
  return follow_project_runner(fs, *runner, exec);
}

}  // namespace gpuinit::image
