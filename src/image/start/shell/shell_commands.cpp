// Simple commands: redirections, and which programs change nothing that a start depends on.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/start/path_search.h"
#include "image/start/shell/follow_shell.h"
#include "image/start/shell/shell_redirects.h"

namespace gpuinit::image::shell {

namespace {

constexpr std::string_view kHarmless =
    "arch awk base64 basename cat clear cmp cut date df diff dirname dmesg du echo "
    "egrep expr false fgrep file free getconf getent grep groups head hostname id ip "
    "jq ldconfig ls lscpu lsof lspci md5sum mesg mktemp more nc netstat nproc nslookup "
    "nvidia-smi paste pgrep ping printenv printf ps pwd readlink realpath rev seq "
    "service sha256sum sleep sort ss ssh-keygen sshd stat stty sum sync tac tail test "
    "top tput tr true tty uname uniq uptime wc which whoami [";
constexpr std::string_view kWriters = "chgrp chmod chown mkdir mkfifo mknod tee touch";
constexpr std::string_view kMovers = "cp install ln mv rm rmdir";
constexpr std::string_view kScratch = "/tmp /var/tmp /run /var/run /var/log /dev/shm";
// What is run for its output does not do the others' work; these do, whatever they print.
constexpr std::string_view kChangers =
    "apt apt-get conda dpkg ldconfig mamba make pip pip3 tar unzip uv";
constexpr std::string_view kProgramDirectories = "/bin /sbin /usr/bin /usr/sbin /usr/local/bin";

bool is_scratch(std::string_view path) {
  for (const auto directory : base::split(kScratch, ' '))
    if (path.starts_with(directory) && path.size() > directory.size() &&
        path[directory.size()] == '/')
      return true;
  return false;
}

// The name of a program that is taken for the one everybody has under it.
std::string common_name(const std::string& word) {
  if (word.find('/') == std::string::npos) return word;
  return has_word(kProgramDirectories, base::parent(word)) ? std::string(base::basename(word))
                                                           : word;
}

bool is_option(const Value& word) { return word.text.starts_with("-") && word.text.size() > 1; }

bool has_any(const Words& words, std::string_view prefixes) {
  for (std::size_t at = 1; at < words.words.size(); ++at)
    for (const auto prefix : base::split(prefixes, ' '))
      if (words.words[at].text.starts_with(prefix)) return true;
  return false;
}

}  // namespace

// --- redirections

RedirectScope::RedirectScope(Interpreter& shell, const Node& node)
    : shell_(shell), elsewhere_(shell.output_elsewhere), input_(shell.pipe_input) {
  for (const auto& redirect : node.redirects)
    if (shell_.going()) apply(redirect);
}

RedirectScope::~RedirectScope() {
  // What it says about its failure is in the output.
  if (merged_ && shell_.capturing > 0 && shell_.state.status != 0) shell_.print_unknown();
  if (keep_) return;
  shell_.output_elsewhere = elsewhere_;
  shell_.pipe_input = input_;
}

void RedirectScope::apply(const Redirect& redirect) {
  const std::string& operation = redirect.operation;
  const bool reads = operation[0] == '<' && operation != "<>";
  const int fd = redirect.fd >= 0 ? redirect.fd : (operation[0] == '<' ? 0 : 1);
  if (fd == 0) ++shell_.pipe_input;
  if (operation.starts_with("<<")) return;
  const Words target = shell_.expand({redirect.target});
  if (!shell_.going()) return;
  const bool known = target.known() && target.words.size() == 1;
  const std::string text = known ? target.words[0].text : "";
  const bool duplicates = operation == ">&" || operation == "<&";
  if (duplicates && (text == "-" || base::parse_number(text))) {
    if (fd == 1 && text == "1") return;
    if (fd == 2 && text == "1") merged_ = !shell_.output_elsewhere;
    else if (text != "2" && text != "-" && text != "0" && shell_.capturing > 0)
      shell_.print_unknown();
    if (fd == 1) shell_.output_elsewhere = true;
    if (fd > 2 && text == "1" && shell_.capturing > 0) shell_.print_unknown();
    return;
  }
  if (fd == 1 || operation[0] == '&' || operation == ">&") shell_.output_elsewhere = true;
  if (!known) {
    if (!reads) shell_.touch(target.words.size() == 1 ? target.words[0] : unknown_value());
    if (target.words.size() == 1 && target.words[0].text.starts_with("/dev/fd/")) return;
    return;
  }
  // Where it fails, the command is not run.
  if (text.empty() || shell_.file_test('d', text) == Interpreter::Truth::kTrue ||
      (reads && shell_.file_test('e', text) == Interpreter::Truth::kFalse) ||
      (!reads && text.find('/') != std::string::npos &&
       shell_.file_test('d', std::string(base::parent(shell_.absolute(text).value_or("/dev/x")))) ==
           Interpreter::Truth::kFalse))
    return shell_.unclear("a redirection that fails");
  if (!reads) shell_.touch(target.words[0]);
}

// --- programs

std::shared_ptr<const Program> Interpreter::program_of(const Words& words) {
  auto program = std::make_shared<Program>();
  program->place = place();
  Exec& exec = program->exec;
  exec.environment = foreign;
  const std::string& name = words.words[0].text;
  if (!words.known()) return unclear("`%` with an argument that is unknown", name), nullptr;
  if (!state.cwd_unknown.empty())
    return unclear_since(state.cwd_unknown, "the working directory is unknown from here on"),
           nullptr;
  if (!changed_at.empty())
    return unclear_since(changed_at, "something that changes files"), nullptr;
  for (const auto& word : words.words) exec.argv.push_back(word.text);
  for (const auto& [variable_name, variable] : state.variables) {
    if (!variable.exported) continue;
    const bool is_text = variable.kind == Variable::Kind::kText;
    if (is_text && !variable.perhaps) exec.environment[variable_name] = variable.text;
    if (variable.kind != Variable::Kind::kUnknown && !(is_text && variable.perhaps)) continue;
    if (steers_a_start(variable_name))
      return unclear_since(variable.since, "`%` is unknown from here on", variable_name), nullptr;
    exec.unknown_variables.insert(variable_name);
  }
  for (const auto& function_name : exported_functions)
    exec.unknown_variables.insert("BASH_FUNC_" + function_name + "%%");
  // The shell searches its own PATH, the reader of this the exported one.
  if (name.find('/') == std::string::npos) {
    const auto path = state.variables.find("PATH");
    if (path == state.variables.end() || path->second.kind != Variable::Kind::kText)
      return unclear("`PATH` is unknown"), nullptr;
    if (!path->second.exported) return unclear("`PATH` is not exported"), nullptr;
  }
  exec.working_directory = state.cwd;
  exec.uid = uid;
  if (!spend(state.size())) return nullptr;
  return program;
}

void Interpreter::record(const Words& words, bool replaces) {
  if (pipe_input > 0 && is_shell_name(words.words[0].text))
    return unclear("a shell that reads a script");
  auto program = program_of(words);
  if (!program) return;
  written_unknown = written_unknown || !replaces;  // it may have written anything by then
  state.last = nullptr;
  state.status = -1;
  if (state.program && same_program(state.program.get(), program.get())) return;
  if (state.program) {
    if (!state.program->conflict.empty())
      return unclear_since(state.program->conflict, "programs that run on some paths only");
    return unclear_since(state.program->place, "`%` runs before something else",
                         state.program->exec.argv[0]);
  }
  state.program = std::move(program);
}

void Interpreter::replace(Words words) {
  std::size_t at = 1;
  bool clears = false;
  for (; at < words.words.size() && is_option(words.words[at]); ++at) {
    const Value& option = words.words[at];
    if (option.known && option.text == "--") {
      ++at;
      break;
    }
    if (!bash() || !option.known || option.text != "-c") return unclear("`exec %`", option.text);
    clears = true;
  }
  words.words.erase(words.words.begin(), words.words.begin() + static_cast<std::ptrdiff_t>(at));
  if (words.words.empty()) {
    if (!words.exact) return unclear("`exec` of something unknown");
    return status(0);
  }
  if (!words.words[0].known) return unclear("`exec` of something unknown");
  if (capturing > 0) {
    print_unknown();
    status(-1);
  } else {
    record(words, true);
    if (!going()) return;
    if (clears) {
      if (words.words[0].text.find('/') == std::string::npos) return unclear("`exec -c`");
      auto bare = std::make_shared<Program>(*state.program);
      bare->exec.environment.clear();
      bare->exec.unknown_variables = {"_", "PWD", "SHLVL"};
      state.program = std::move(bare);
    }
  }
  state.exit_trap.clear();
  end_shell();
}

// `bash prepare.sh` that only looks at things: what it sets ends with it.
bool Interpreter::is_harmless_script(const Words& words) {
  if (!words.known() || words.words.size() < 2 || words.words[1].text.starts_with("-") ||
      !is_shell_name(words.words[0].text))
    return false;
  const std::string before = error;
  const auto program = program_of(words);
  error = before;
  const auto path = search(words.words[0].text);
  if (!program || !path || path->empty()) return false;
  return does_nothing(fs, base::join(state.cwd, *path), program->exec, depth + 1);
}

void Interpreter::external(const Words& words) {
  state.last = nullptr;
  const std::string name = common_name(words.words[0].text);
  bool harmless = has_word(kHarmless, name);
  bool exists = name == "mkdir" && !search(words.words[0].text).value_or("").empty() &&
                has_any(words, "-p") && words.known();
  const bool moves = has_word(kMovers, name);
  if (moves || has_word(kWriters, name)) {
    harmless = words.exact;
    for (std::size_t at = 1; at < words.words.size(); ++at) {
      const Value& word = words.words[at];
      if (is_option(word)) continue;
      const auto path = word.known ? absolute(word.text) : std::nullopt;
      if (exists && path && file_test('d', *path) == Truth::kTrue) continue;
      exists = false;
      if (moves && (!path || !is_scratch(*path))) harmless = false;
      touch(word);
    }
    if (!words.exact && !moves) {
      harmless = true;
      written_unknown = true;
    }
  } else if (name == "env") {
    harmless = words.exact && words.words.size() == 1;
  } else if (name == "sed") {
    harmless = words.known() && !has_any(words, "-i --in-place") && !has_any(words, "-n -E -s");
    if (!harmless)
      harmless =
          words.known() &&
          std::none_of(words.words.begin() + 1, words.words.end(), [](const Value& word) {
            return word.text.starts_with("--in") || (is_option(word) && word.text[1] != '-' &&
                                                     word.text.find('i') != std::string::npos);
          });
  } else if (name == "find") {
    harmless = words.known() && !has_any(words, "-exec -ok -delete -fprint -fls");
  } else if (name == "curl") {
    harmless = words.known() &&
               std::none_of(words.words.begin() + 1, words.words.end(), [](const Value& word) {
                 return word.text.starts_with("--out") || word.text.starts_with("--rem") ||
                        word.text.starts_with("-K") || word.text.starts_with("--config") ||
                        (is_option(word) && word.text[1] != '-' &&
                         word.text.find_first_of("oOJ") != std::string::npos);
               });
  } else if ((name == "sort" && has_any(words, "-o --output")) ||
             (name == "ip" && has_any(words, "netns"))) {
    harmless = false;
  }
  if (capturing > 0) {
    if (!search(words.words[0].text).value_or("").empty() && print_known(words)) return;
    if (!harmless && (moves || has_word(kChangers, base::basename(name)))) {
      const bool asks =
          has_any(words, "--version -V list show info freeze config python cache shell");
      if (changed_at.empty() && (moves || !asks)) changed_at = place();
    }
    print_unknown();
    return status(-1);
  }
  if (!harmless && is_harmless_script(words)) harmless = true;
  if (!harmless) return record(words);
  status(exists && words.words.size() > 2 ? 0 : -1);
  if (name == "true") status(0);
  if (name == "false") status(1);
  // If nothing comes after it, it is what runs.
  if (!words.known() || !changed_at.empty() || state.program) return;
  const std::string before = error;
  auto program = program_of(words);
  error = before;
  if (program) state.last = std::move(program);
}

void Interpreter::run_simple(const Node& node) {
  RedirectScope scope(*this, node);
  if (!going()) return;
  const auto only_assign = [&] {
    for (std::size_t at = 0; at < node.assignments && going(); ++at) assign(node.words[at]);
    status(substitution_status.value_or(0));
    state.last = nullptr;
  };
  substitution_status.reset();
  const std::size_t first = node.assignments;
  if (first == node.words.size()) return only_assign();

  static constexpr std::string_view kDeclarations = "declare export local readonly typeset";
  const std::string& raw = node.words[first];
  if (has_word(kDeclarations, raw) && state.functions.count(raw) == 0 &&
      (bash() || (raw != "declare" && raw != "typeset"))) {
    if (first > 0) return unclear("`%` with assignments before it", raw);
    state.last = nullptr;
    return declare(node, first);
  }
  const int before = state.status;
  Words words = expand(node.words, first);
  if (!going()) return;
  after_words(before);
  if (words.words.empty() && words.exact) return only_assign();
  if (words.words.empty() || !words.words[0].known) return unclear("a command that is unknown");
  const std::string& name = words.words[0].text;
  if (name == "exec" && node.words.size() == first + 1) {
    scope.keep();
    if (capturing > 0 && !node.redirects.empty()) print_unknown();
  }

  const auto function_here = state.functions.find(name);
  const bool is_function = function_here != state.functions.end();
  if (first > 0 && (is_function || is_builtin(name))) {
    static constexpr std::string_view kSpecial =
        ". : eval exit return set shift source trap unset break continue";
    if ((is_function && !bash()) || has_word(kSpecial, name) || has_word(kDeclarations, name) ||
        name == "command" || name == "builtin")
      return unclear("`%` with assignments before it", name);
  }
  Saved saved = assign_for_command(node);
  if (!going()) return;
  if (is_function) {
    const Function callee = function_here->second;
    state.last = nullptr;
    if (!conda(words)) call(callee, std::move(words));
  } else if (has_word(kDeclarations, name) && is_builtin(name)) {
    // As `\export NAME=value`: the words are split like any others.
    Node declaration;
    declaration.words.push_back(name);
    if (!words.known()) return unclear("`%` of something unknown", name);
    for (std::size_t at = 1; at < words.words.size(); ++at) {
      std::string quoted = "'";
      const auto equals = words.words[at].text.find('=');
      if (words.words[at].text.find('\'') != std::string::npos)
        return unclear("`%` of a quote", name);
      quoted += words.words[at].text.substr(equals == std::string::npos ? 0 : equals + 1) + "'";
      declaration.words.push_back(equals == std::string::npos
                                      ? words.words[at].text
                                      : words.words[at].text.substr(0, equals + 1) + quoted);
    }
    declare(declaration, 0);
  } else if (!builtin(words)) {
    external(words);
  }
  if (going()) restore(saved);
}

}  // namespace gpuinit::image::shell
