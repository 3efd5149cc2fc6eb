// How a shell starts: its options, the files that it reads before anything else, its script.
// Source: Bash Reference Manual, 6.1 and 6.2; POSIX.1-2017, "sh"; dash(1).
#include <utility>

#include "base/text.h"
#include "image/start/path_search.h"
#include "image/start/shell/follow_shell.h"
#include "image/start/shell/shell_interpreter.h"
#include "image/start/words.h"

namespace gpuinit::image {

namespace {

using shell::Dialect;
using shell::Interpreter;
using shell::State;
using shell::Value;
using shell::Variable;

// What its command line says.
struct Options {
  bool command = false;  // -c
  bool login = false;
  bool interactive = false;
  bool standard_input = false;
  bool profile = true;
  std::vector<std::string> set;    // "-e", "-o pipefail" as words of `set`
  std::vector<std::string> shopt;  // words of `shopt`
  std::size_t next = 1;            // the first operand
};

Result<Options> read_options(const std::vector<std::string>& argv, bool bash) {
  Options options;
  options.login = argv[0].starts_with("-");
  std::size_t at = 1;
  for (; bash && at < argv.size() && argv[at].starts_with("--") && argv[at].size() > 2; ++at) {
    const std::string& word = argv[at];
    if (word == "--login") options.login = true;
    else if (word == "--noprofile") options.profile = false;
    else if (word != "--norc" && word != "--noediting" && word != "--verbose")
      return Error{"(`" + masked(word) + "`)"};
  }
  for (; at < argv.size(); ++at) {
    const std::string& word = argv[at];
    if (word == "--" || word == "-") {
      ++at;
      break;
    }
    if (word.size() < 2 || (word[0] != '-' && word[0] != '+')) break;
    for (const char letter : word.substr(1)) {
      const bool on = word[0] == '-';
      if (letter == 'c' && on) options.command = true;
      else if (letter == 'l' && on) options.login = true;
      else if (letter == 'i' && on) options.interactive = true;
      else if (letter == 's' && on) options.standard_input = true;
      else if ((letter == 'o' || (letter == 'O' && bash)) && at + 1 < argv.size()) {
        auto& words = letter == 'o' ? options.set : options.shopt;
        words.push_back(letter == 'o' ? (on ? "-o" : "+o") : (on ? "-s" : "-u"));
        words.push_back(argv[++at]);
      } else if (std::string_view("euxavfbmhBET").find(letter) != std::string_view::npos) {
        options.set.push_back(std::string(1, word[0]) + letter);
      } else {
        return Error{"(`" + masked(word) + "`)"};
      }
      if ((letter == 'o' || letter == 'O') && word.back() != letter)
        return Error{"(`" + masked(word) + "`)"};
    }
  }
  options.next = at;
  return options;
}

// Set by the shell itself where the environment does not have them, or in spite of it.
constexpr std::string_view kOwnOfBash =
    "BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND "
    "BASH_EXECUTION_STRING BASH_LINENO BASH_SUBSHELL COMP_WORDBREAKS DIRSTACK EPOCHREALTIME "
    "EPOCHSECONDS FUNCNAME GROUPS HISTCMD LINENO OPTERR OPTIND PIPESTATUS PPID RANDOM SECONDS "
    "SHELLOPTS SRANDOM _";
constexpr std::string_view kOwnIfUnset = "HOSTNAME HOSTTYPE MACHTYPE SHELL TERM PS4";
constexpr std::string_view kOwnOfDash = "LINENO OPTIND PPID";

class Start {
 public:
  Start(const base::RootFs& fs, const std::string& path, const Exec& exec)
      : fs_(fs), path_(path), exec_(exec), name_(base::basename(exec.argv[0])) {
    if (name_.starts_with("-")) name_.erase(0, 1);
    const std::string real(base::basename(fs.resolve(path).value_or(path)));
    dialect_ = real == "bash" ? Dialect::kBash : real == "dash" ? Dialect::kDash : Dialect::kSh;
    posix_ = dialect_ == Dialect::kBash && name_ == "sh";
  }

  // See does_nothing(); after run().
  bool did_nothing() const { return did_nothing_; }

  Result<ShellOutcome> run(int depth = 0) {
    const std::string real(base::basename(fs_.resolve(path_).value_or(path_)));
    if (real == "zsh" || real == "ksh" || real == "mksh" || name_ == "zsh" || name_ == "ksh")
      return unclear("(a shell that is not understood here)");
    auto options = read_options(exec_.argv, dialect_ == Dialect::kBash);
    if (!options) return unclear(std::move(options).error().message);
    const auto& argv = exec_.argv;
    std::size_t at = options->next;
    ShellOutcome outcome;
    if (!options->command && (options->standard_input || at >= argv.size())) {
      outcome.kind = ShellOutcome::Kind::kInteractive;
      return outcome;
    }
    if (options->interactive) return unclear("(an interactive shell with a script)");
    if (at >= argv.size()) return unclear("(`-c` without a text)");

    Interpreter shell(fs_, dialect_, posix_);
    shell.depth = depth;
    std::string text;
    std::string source = name_ + " -c";
    if (options->command) {
      text = argv[at++];
      shell.argv0 = at < argv.size() ? argv[at++] : argv[0];
      shell.takes_text = true;
    } else {
      shell.argv0 = argv[at++];
      auto script = find_script(shell.argv0);
      if (!script) return unclear("(" + script.error().message + ")");
      auto read = fs_.read_file(*script, shell::kMaxText);
      if (!read) return unclear("(" + read.error().message + ")");
      text = std::move(read).value();
      source = *script;
      shell.kept_names.push_back(shell.argv0);
      shell.sources.push_back(&shell.kept_names.back());
    }
    shell.state.parameters.assign(argv.begin() + static_cast<std::ptrdiff_t>(at), argv.end());
    return follow(shell, *options, text, source);
  }

 private:
  Error unclear(const std::string& why) const { return Error{base::printable(name_ + " " + why)}; }

  Result<std::string> find_script(const std::string& name) const {
    const std::string here = base::normalize(base::join(exec_.working_directory, name));
    if (name.find('/') != std::string::npos || fs_.is_file(here) || dialect_ != Dialect::kBash)
      return here;
    const auto search_path = exec_.environment.find("PATH");
    if (search_path == exec_.environment.end())
      return Error{"`" + name + "` on a `PATH` that is not set"};
    return find_program(fs_, name, search_path->second, exec_.working_directory);
  }

  void own(Interpreter& shell, std::string_view name, bool unknown = true) const {
    Variable& variable = shell.variable(name);
    variable.kind = Variable::Kind::kUnknown;
    variable.some = false;
    variable.text.clear();
    if (unknown) shell.always_unknown.emplace(name);
  }

  void own_all(Interpreter& shell, std::string_view names) const {
    for (const auto name : base::split(names, ' ')) own(shell, name);
  }

  void text(Interpreter& shell, std::string_view name, std::string_view value) const {
    Variable& variable = shell.variable(name);
    variable.kind = Variable::Kind::kText;
    variable.text = value;
  }

  // The variables that the shell starts with; "" or why they are not known.
  std::string import(Interpreter& shell) const {
    auto& variables = shell.state.variables;
    for (const auto& [name, value] : exec_.environment) {
      if (!shell::is_name(name)) {
        if (name.starts_with("BASH_FUNC_")) return "a function in the environment";
        if (dialect_ == Dialect::kBash) shell.foreign[name] = value;
        continue;
      }
      Variable& variable = variables[name];
      variable.kind = Variable::Kind::kText;
      variable.exported = true;
      variable.text = value;
    }
    for (const auto& name : exec_.unknown_variables) {
      if (!shell::is_name(name)) return "`" + name + "` in the environment";
      shell.variable(name).exported = true;
      own(shell, name, false);
    }
    for (const auto name :
         base::split("SHELLOPTS BASHOPTS POSIXLY_CORRECT BASH_COMPAT IFS BASH_XTRACEFD", ' '))
      if (variables.count(name) != 0) return "`" + std::string(name) + "` in the environment";
    if (variables.count("PATH") == 0) own(shell, "PATH", false);
    if (dialect_ == Dialect::kBash) {
      own_all(shell, kOwnOfBash);
      for (const auto name : base::split(kOwnIfUnset, ' '))
        if (variables.count(name) == 0) own(shell, name, false);
      for (const auto name : base::split("BASH_VERSION BASH_VERSINFO", ' ')) {
        own(shell, name);
        shell.variable(name).some = true;
      }
      for (const auto name : base::split("_ SHLVL", ' ')) {
        own(shell, name);
        shell.variable(name).exported = true;
      }
      variables["SHLVL"].some = true;
      for (const auto name : base::split("UID EUID", ' ')) {
        own(shell, name, false);
        if (exec_.uid) text(shell, name, std::to_string(*exec_.uid));
        shell.variable(name).read_only = true;
      }
      variables.erase("PS1");
      variables.erase("PS2");
      text(shell, "OSTYPE", fs_.is_file("/etc/alpine-release") ? "linux-musl" : "linux-gnu");
      if (path_.starts_with("/")) text(shell, "BASH", path_);
      else own(shell, "BASH");
    } else {
      own_all(shell, kOwnOfDash);
      for (const auto name : base::split("PS1 PS2 PS4", ' '))
        if (variables.count(name) == 0) {
          own(shell, name, false);
          shell.variable(name).some = true;
        }
      if (dialect_ == Dialect::kSh) {
        for (const auto name : base::split(
                 "SHLVL _ RANDOM HOSTNAME BASH_VERSION BASH ZSH_VERSION KSH_VERSION OSTYPE", ' ')) {
          shell.variable(name).exported =
              shell.variable(name).exported || shell.variable(name).kind == Variable::Kind::kUnset;
          own(shell, name);
        }
      }
    }
    set_directory(shell);
    return "";
  }

  void set_directory(Interpreter& shell) const {
    const std::string physical =
        fs_.resolve(exec_.working_directory).value_or(exec_.working_directory);
    const auto given = exec_.environment.find("PWD");
    shell.state.cwd = physical;
    if (given != exec_.environment.end() && given->second.starts_with("/") &&
        base::normalize(given->second) == given->second &&
        fs_.resolve(given->second).value_or("") == physical)
      shell.state.cwd = given->second;
    auto& variables = shell.state.variables;
    text(shell, "PWD", shell.state.cwd);
    variables["PWD"].exported = true;
    if (dialect_ != Dialect::kBash) {
      if (dialect_ == Dialect::kSh) own(shell, "OLDPWD", false);
      return;
    }
    // It takes only a directory from its environment.
    Variable& old = variables["OLDPWD"];
    old.exported = true;
    if (old.kind == Variable::Kind::kText && !fs_.is_directory(old.text)) {
      old.kind = Variable::Kind::kUnset;
      old.text.clear();
    }
  }

  void read_profiles(Interpreter& shell) const {
    const auto read = [&](const std::string& path) {
      const auto there = shell.file_test('r', path);
      if (there == Interpreter::Truth::kFalse || !shell.going()) return false;
      if (there != Interpreter::Truth::kTrue || !shell.run_file(path, path))
        shell.unclear("`%`, which cannot be read", path);
      return true;
    };
    read("/etc/profile");
    const Value home = shell.get("HOME");
    if (!shell.going()) return;
    if (!home.known || !home.text.starts_with("/")) return shell.unclear("`HOME` is not known");
    if (dialect_ != Dialect::kBash || posix_) {
      read(home.text + "/.profile");
      return;
    }
    for (const auto name : base::split("/.bash_profile /.bash_login /.profile", ' '))
      if (read(home.text + std::string(name))) return;
  }

  Result<ShellOutcome> follow(Interpreter& shell, const Options& options, const std::string& text,
                              const std::string& source) {
    shell.uid = exec_.uid;
    std::string why = import(shell);
    if (why.empty() && dialect_ == Dialect::kBash && !posix_ && options.command &&
        (exec_.environment.count("SSH_CLIENT") != 0 || exec_.environment.count("SSH2_CLIENT") != 0))
      why = "`SSH_CLIENT` in the environment";
    if (!why.empty()) return unclear("(" + why + ")");
    std::optional<State> ends;
    shell.ends = &ends;
    for (const auto& [word, list] :
         {std::pair{"set", &options.set}, std::pair{"shopt", &options.shopt}}) {
      for (std::size_t at = 0; at < list->size();
           at +=
           (*list)[at].size() == 2 && ((*list)[at] == "-o" || (*list)[at] == "+o" || word[1] == 'h')
               ? 2
               : 1) {
        shell::Words words{{{word}, {(*list)[at]}}, true};
        const bool two = (*list)[at] == "-o" || (*list)[at] == "+o" || word[1] == 'h';
        if (two) words.words.push_back({(*list)[at + 1]});
        shell.builtin(words);
      }
    }
    shell.state.status = 0;
    if (options.login && options.profile) read_profiles(shell);
    const auto rc = exec_.environment.find("BASH_ENV");
    if (dialect_ == Dialect::kBash && !posix_ && rc != exec_.environment.end() &&
        !rc->second.empty() && shell.going()) {
      const Value file = shell.expand_one("\"" + rc->second + "\"");
      if (!file.known || rc->second.find_first_of("\"\\`") != std::string::npos)
        return unclear("(`BASH_ENV`)");
      if (shell.file_test('e', file.text) != Interpreter::Truth::kFalse) {
        shell.steps.push_back({"source " + file.text, "BASH_ENV", ""});
        if (!shell.run_file(file.text, file.text)) return unclear("(`BASH_ENV`)");
      }
    }
    if (exec_.unknown_variables.count("BASH_ENV") != 0 && dialect_ == Dialect::kBash)
      return unclear("(`BASH_ENV`)");
    shell.state.status = 0;
    if (shell.going()) shell.run_text(text, source, 1);
    shell.source = nullptr;
    shell.end_shell();
    if (shell.stopped()) return Error{shell.error};
    if (!ends)
      return Error{base::printable(shell.stopped_at.empty()
                                       ? source + " (it does not end)"
                                       : shell.stopped_at + ": it stops there")};
    return outcome_of(shell, *ends, source);
  }

  Result<ShellOutcome> outcome_of(Interpreter& shell, State& end, const std::string& source) {
    ShellOutcome outcome;
    outcome.steps = std::move(shell.steps);
    auto program = end.program;
    did_nothing_ = !program && !shell.background && shell.changed_at.empty() &&
                   shell.written.empty() && !shell.written_unknown;
    if (!program && shell.background)
      return Error{base::printable(source + " (its programs run in the background)")};
    if (!program) program = end.last;
    if (!program) return outcome;
    if (!program->conflict.empty())
      return Error{base::printable(program->conflict + " (another program on some paths)")};
    outcome.kind = ShellOutcome::Kind::kRuns;
    outcome.exec = program->exec;
    outcome.place = program->place;
    return outcome;
  }

  const base::RootFs& fs_;
  const std::string path_;
  const Exec& exec_;
  std::string name_;
  Dialect dialect_ = Dialect::kSh;
  bool posix_ = false;
  bool did_nothing_ = false;
};

}  // namespace

bool shell::does_nothing(const base::RootFs& fs, const std::string& path, const Exec& exec,
                         int depth) {
  constexpr int kMaxShells = 4;
  if (depth >= kMaxShells) return false;
  Start start(fs, path, exec);
  return start.run(depth).ok() && start.did_nothing();
}

Result<ShellOutcome> follow_shell(const base::RootFs& fs, const std::string& path,
                                  const Exec& shell) {
  if (shell.argv.empty()) return Error{"a shell without a name"};
  return Start(fs, path, shell).run();
}

bool is_shell_name(const std::string& path) {
  std::string_view name = base::basename(path);
  if (name.starts_with("-")) name.remove_prefix(1);
  for (const std::string_view each : {"sh", "bash", "dash", "ash", "zsh", "ksh", "rbash"})
    if (name == each) return true;
  return false;
}

}  // namespace gpuinit::image
