#include "image/start/start.h"

#include <utility>

#include "base/script_text.h"
#include "base/text.h"
#include "image/start/env_command.h"
#include "image/start/exec_prefix.h"
#include "image/start/path_search.h"
#include "image/start/plain_program.h"
#include "image/start/pyenv.h"
#include "image/start/python_program.h"
#include "image/start/runner.h"
#include "image/start/shebang.h"
#include "image/start/shell/follow_shell.h"
#include "image/start/words.h"

namespace gpuinit::image {

namespace {

constexpr int kMaxShebangs = 5;  // as the kernel: the sixth is ELOOP
constexpr int kMaxSteps = 64;    // prefixes, shells, shims and trampolines on top of that
constexpr std::uint64_t kHead = 4096;

using base::in_backquotes;

// One walk from the command's first word to the program that runs.
class Walk {
 public:
  Walk(const base::RootFs& fs, Exec first) : exec(std::move(first)), fs_(fs) {}

  void run() {
    for (int step = 0; step < kMaxSteps; ++step)
      if (!advance()) return;
    unclear("the command leads in circles");
  }

  std::vector<StartStep> steps;
  // Unknown if the command is unclear, absent if there is none or its Python is not there; why()
  // then says from where on, or what is missing.
  Fact<Program> program = Fact<Program>::unknown("");
  std::optional<ChosenPython> python;  // nullopt if it leads to no Python
  Exec exec;                           // what runs next; when the walk is over, last

  const std::string& why() const { return why_; }

 private:
  // All of these: true if exec is now what runs next, false if the walk is over.

  // The Python that it leads to does not exist.
  bool missing(std::string why) {
    why_ = std::move(why);
    program = Fact<Program>::absent(why_);
    return false;
  }

  bool unclear(std::string why) {
    why_ = std::move(why);
    program = Fact<Program>::unknown("the command was not followed past " + why_);
    return false;
  }

  bool ends_at(const std::string& path, std::string needs_no_gpu) {
    Program found;
    found.path = path;
    found.needs_no_gpu = std::move(needs_no_gpu);
    program = std::move(found);
    why_ = in_backquotes(path) + " is not Python";
    return false;
  }

  bool advance() {
    if (exec.argv.empty()) {
      why_ = "there is no command";
      program = Fact<Program>::absent(why_);
      return false;
    }
    auto found = locate();
    if (!found) {
      std::string why = found.error().message + origin_;
      const bool is_missing = is_python_name(exec.argv[0]) && !is_unread(found.error().code);
      return is_missing ? missing(std::move(why)) : unclear(std::move(why));
    }
    const std::string path = std::move(found).value();
    const auto read = read_head(path);
    if (!read && is_unread(read.error().code)) return unclear(read.error().message);
    const std::string head = read.value_or("");
    const bool is_script = head.starts_with("#!");
    if (!is_script && !head.starts_with(base::kElfMagic)) {
      // gpuinit itself gives it to a shell; whether others do depends on them.
      if (steps.empty() && base::is_script_for_shell(head))
        return interpret(path, Shebang{base::kShell, ""}, "a script without a #! line, ");
      return unclear(in_backquotes(path) + ", which is neither a program nor a script");
    }
    const std::string name(base::basename(path));
    if (!is_script && name == "env") return at_env(path);
    if (is_exec_prefix(name, is_script)) return at_prefix(name, path);
    if (is_runner(name)) return at_runner(name, path);
    if (is_script) return at_script(path, head);
    if (is_shell_name(path)) return at_shell(path);
    return at_program(path);
  }

  Result<std::string> locate() const {
    // The kernel does not search PATH for what a shebang names.
    if (!by_path_search_ && exec.argv[0].find('/') == std::string::npos)
      return find_program(fs_, "./" + exec.argv[0], "", exec.working_directory);
    return find_program(fs_, exec.argv[0], search_path_of(exec.environment),
                        exec.working_directory);
  }

  Result<std::string> read_head(const std::string& path) const {
    auto file = fs_.open_file(path);
    if (!file) return std::move(file).error();
    return file->read_text(0, std::min(file->size(), kHead));
  }

  // The next program, run by `what` at `place`.
  bool continue_with(Exec next, std::string what, std::string place) {
    if (next.working_directory != exec.working_directory &&
        !fs_.is_directory(next.working_directory))
      return unclear("the directory " + in_backquotes(next.working_directory) +
                     ", which does not exist");
    steps.push_back({std::move(what), reason_, std::move(place)});
    exec = std::move(next);
    by_path_search_ = true;
    return true;
  }

  bool at_program(const std::string& path) {
    // With the environment as it has become: LD_LIBRARY_PATH decides on libpython.
    const ldso::LibrarySearch libraries(fs_, exec.environment);
    auto binary = PythonBinary::open(fs_, path, libraries);
    // Called python, but not to be recognised: let the reader of it say why.
    if ((!binary || !binary->has_value()) && !is_python_name(path))
      return ends_at(path, plain_program(base::basename(path), words_from(exec.argv, 1)));
    PythonProgram runs = read_python_program(fs_, exec);
    if (runs.command) {
      reason_ = "started by " + in_backquotes(runs.options.program);
      Exec next = exec;
      next.argv = *std::move(runs.command);
      // Source: torch/distributed/elastic/agent/server/local_elastic_agent.py.
      for (const char* name :
           {"LOCAL_RANK", "RANK", "GROUP_RANK", "ROLE_RANK", "ROLE_NAME", "LOCAL_WORLD_SIZE",
            "WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
            "TORCHELASTIC_*", "NCCL_ASYNC_ERROR_HANDLING", "TORCH_NCCL_ASYNC_ERROR_HANDLING",
            "OMP_NUM_THREADS", "LC_CTYPE"}) {
        next.environment.erase(name);
        next.unknown_variables.insert(name);
      }
      return continue_with(std::move(next), std::string(base::basename(runs.options.program)), "");
    }
    program = Program{path, runs.runs, runs.imports,
                      plain_python_program(runs, words_from(exec.argv, runs.options.rest + 1)),
                      runs.script_imports};
    ChosenPython chosen;
    chosen.start.interpreter = path;
    chosen.start.options = std::move(runs.options);
    chosen.start.environment = exec.environment;
    chosen.start.working_directory = exec.working_directory;
    chosen.because = reason(path);
    chosen.followed = true;
    chosen.binary = std::move(binary);
    python = std::move(chosen);
    return false;
  }

  std::string reason(const std::string& path) const {
    if (!reason_.empty()) return reason_;
    if (exec.argv[0].find('/') != std::string::npos)
      return "the command names " + in_backquotes(path);
    return in_backquotes(exec.argv[0]) + " found on PATH";
  }

  // `next` is run by `what`, which for the first time gives the reason, then adds to it.
  void reason_is(const Exec& next, const std::string& what) {
    reason_ = reason_.empty() ? in_backquotes(next.argv[0]) + " run by " + what
                              : reason_ + " through " + what;
    reason_is_script_ = false;
  }

  bool at_env(const std::string& path) {
    auto env = apply_env(words_from(exec.argv, 1), exec.environment, exec.working_directory);
    if (!env) return unclear(env.error().message);
    if (env->command.empty()) return ends_at(path, in_backquotes(path) + " runs nothing");
    Exec next = exec;
    next.argv = std::move(env->command);
    next.environment = std::move(env->environment);
    next.working_directory = std::move(env->working_directory);
    reason_is(next, "env");
    return continue_with(std::move(next), "env", "");
  }

  bool at_prefix(const std::string& name, const std::string& path) {
    auto next = apply_exec_prefix(fs_, name, exec);
    if (!next) return unclear(next.error().message);
    if (!*next) return ends_at(path, in_backquotes(path) + " runs nothing");
    reason_is(**next, name);
    return continue_with(**std::move(next), name, "");
  }

  bool at_runner(const std::string& name, const std::string& path) {
    auto next = follow_runner(fs_, name, path, exec);
    if (!next) return unclear(next.error().message);
    if (!*next) return ends_at(path, plain_program(name, words_from(exec.argv, 1)));
    reason_is((*next)->exec, name + " (" + (*next)->environment + ")");
    return continue_with(std::move((*next)->exec), name + " run", "");
  }

  bool at_shell(const std::string& path) {
    auto outcome = follow_shell(fs_, path, exec);
    if (!outcome) return unclear(outcome.error().message);
    for (StartStep& step : outcome->steps) steps.push_back(std::move(step));
    if (outcome->kind == ShellOutcome::Kind::kInteractive)
      return ends_at(path, in_backquotes(path) + " is an interactive shell");
    if (outcome->kind == ShellOutcome::Kind::kEnds)
      return ends_at(path, in_backquotes(path) + " runs no other program");
    reason_.clear();
    reason_is(outcome->exec, outcome->place);
    return continue_with(std::move(outcome->exec), std::string(base::basename(path)),
                         outcome->place);
  }

  bool at_script(const std::string& path, const std::string& head) {
    if (const auto root = pyenv_root_of_shim(head)) return at_pyenv_shim(path, *root);
    if (auto python_path =
            parse_exec_trampoline(head, base::parent(fs_.resolve(path).value_or(path)))) {
      pass_a_shell(exec);
      return interpret(path, Shebang{std::move(*python_path), ""});
    }
    const auto shebang = parse_shebang(head);
    if (!shebang)
      return unclear("the first line of " + in_backquotes(path) + ", which names no interpreter");
    if (++shebangs_ > kMaxShebangs) return unclear("too many scripts that interpret scripts");
    return interpret(path, *shebang);
  }

  bool interpret(const std::string& script, const Shebang& shebang,
                 const std::string& what = "shebang of ") {
    std::vector<std::string> words{shebang.interpreter};
    if (!shebang.argument.empty()) words.push_back(shebang.argument);
    words.push_back(script);
    words.insert(words.end(), exec.argv.begin() + 1, exec.argv.end());
    exec.argv = std::move(words);
    by_path_search_ = false;
    steps.push_back({base::printable(script, 120), reason_, ""});
    if (reason_.empty() || !reason_is_script_) reason_ = what + base::printable(script);
    reason_is_script_ = true;
    origin_ = " (" + what + base::printable(script) + ")";
    return true;
  }

  bool at_pyenv_shim(const std::string& shim, const std::string& root) {
    auto choice = follow_pyenv(fs_, root, std::string(base::basename(shim)), exec.environment,
                               exec.working_directory);
    if (!choice) {
      if (is_python_name(shim)) return missing(choice.error().message);
      return unclear(choice.error().message);
    }
    if (!base::variable(exec.environment, "BASH_ENV").empty())
      return unclear("pyenv's shim, whose shell reads BASH_ENV");
    exec.environment = environment_of_pyenv(fs_, root, *choice, std::move(exec.environment),
                                            exec.working_directory);
    pass_a_shell(exec);
    for (const char* name : {"PYENV_HOOK_PATH", "_PYENV_INSTALL_PREFIX"}) {
      exec.environment.erase(name);
      exec.unknown_variables.insert(name);
    }
    exec.argv[0] = choice->path;
    reason_ = (reason_.empty() ? "" : reason_ + ", ") + choice->reason;
    return true;
  }

  const base::RootFs& fs_;
  std::string why_;
  std::string reason_;
  std::string origin_;  // where a missing interpreter was named
  bool reason_is_script_ = false;
  bool by_path_search_ = true;
  int shebangs_ = 0;
};

Exec exec_of(const StartQuery& query, std::vector<std::string> words) {
  return {.argv = std::move(words),
          .environment = query.environment,
          .working_directory = base::join("/", query.working_directory),
          .uid = query.uid};
}

// What is judged in place of a Python that the command does not show.
Result<ChosenPython> fall_back(const StartQuery& query, std::string because) {
  std::vector<std::string> names{"python3", "python"};
  if (!query.fallback_interpreter.empty()) names.insert(names.begin(), query.fallback_interpreter);
  for (std::size_t at = 0; at < names.size(); ++at) {
    const bool from_policy = at == 0 && !query.fallback_interpreter.empty();
    Walk walk(query.fs, exec_of(query, {names[at]}));
    walk.run();
    if (walk.python) {
      ChosenPython chosen = *std::move(walk.python);
      chosen.followed = false;
      chosen.start.options = PythonOptions{};
      chosen.because =
          because + ": " + (from_policy ? "python.interpreter of the policy" : chosen.because);
      return chosen;
    }
    if (from_policy) because += ", python.interpreter: " + walk.why();
  }
  return Error{because + ", and neither python3 nor python is on PATH"};
}

}  // namespace

Start follow_command(const StartQuery& query) {
  Walk walk(query.fs, exec_of(query, query.command));
  walk.run();
  Result<ChosenPython> python = Error{""};
  if (walk.python) python = *std::move(walk.python);
  else if (!query.command.empty() && walk.program.is_absent())
    python = Error{walk.program.reason()};
  else python = fall_back(query, walk.why());
  return {std::move(walk.steps), std::move(walk.program), std::move(walk.exec), std::move(python)};
}

}  // namespace gpuinit::image
