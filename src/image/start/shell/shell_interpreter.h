// Follows a shell's script without running anything: what the shell would do is done to a State.
// Where a condition is unknown both branches are followed and joined.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/image_facts.h"
#include "image/start/exec.h"
#include "image/start/shell/shell_state.h"
#include "image/start/shell/shell_syntax.h"

namespace gpuinit::image::shell {

constexpr std::size_t kMaxText = 256UL * 1024;  // bytes of a script
constexpr std::size_t kMaxWord = 128UL * 1024;
constexpr int kMaxSteps = 20'000;
constexpr int kMaxDepth = 200;  // of statements, calls and substitutions in one another
constexpr int kMaxSourced = 64;
constexpr std::size_t kMaxWork = 96UL * 1024 * 1024;  // bytes expanded and copied

// kSh: a POSIX shell of which only the common part is known.
enum class Dialect : unsigned char { kBash, kDash, kSh };

// The words of a command after expansion. `exact`: how many they are is known.
struct Words {
  std::vector<Value> words;
  bool exact = true;
  bool known() const;
};

class Interpreter {
 public:
  Interpreter(const base::RootFs& files, Dialect spoken, bool as_sh)
      : fs(files), dialect(spoken), posix(as_sh) {}

  // --- shell_run.cpp: statements
  void run_text(std::string_view text, const std::string& name, int first_line);
  bool run_file(const std::string& path, const std::string& name);  // false: cannot be read
  void run(const Node& node);
  void call(const Function& callee, Words arguments);
  // What `text` prints → substituted; its status → state.status.
  void substitute(std::string_view text);
  void end_shell();  // as `exit` with state.status
  void stop_failing(std::string_view why, std::string_view quoted = {});
  // Paths that leave a loop or a function: they go on where that ends.
  struct Frame {
    std::optional<State> broke, continued;
  };
  void leave(std::optional<State>& into);
  void check_status();  // set -e
  // Follows `then` where the status is 0 and `other` where it is not; both if it is unknown.
  template <class Then, class Else>
  void branch(Then then, Else other);
  template <class Body>
  void in_subshell(Body body);  // only its status, output and program come back
  template <class Round>
  void run_any_number(Round round);
  void run_kind(const Node& node);
  void run_condition(const Node& node);
  void run_if(const Node& node, std::size_t at);
  void run_and_or(const Node& node);
  bool run_body(const Node& body, std::optional<State>& left);
  // Whether substitutions in a command's words change the $? that it sees, shells disagree.
  void after_words(int before);
  void run_for(const Node& node);
  void run_while(const Node& node);
  void run_rounds(const Node& node, std::optional<State>& left);
  void run_case(const Node& node, std::size_t from, const Value& subject);
  void run_pipeline(const Node& node);
  // --- shell_commands.cpp: simple commands
  void run_simple(const Node& node);
  // --- words: shell_expand.cpp
  Words expand(const std::vector<std::string>& raw, std::size_t first = 0);
  Value expand_one(std::string_view raw);      // an assignment's value
  Value expand_pattern(std::string_view raw);  // quoted characters escaped
  Variable& variable(std::string_view name) {
    const auto found = state.variables.find(name);
    return found != state.variables.end() ? found->second : state.variables[std::string(name)];
  }
  Value get(std::string_view name);                   // a variable's or parameter's
  void set(std::string_view name, Value value);       // and its export with set -a
  std::optional<bool> is_set(std::string_view name);  // nullopt: it may be
  std::optional<std::string> separators();            // IFS; nullopt: unknown
  // --- shell_arithmetic.cpp; nullopt: unknown
  std::optional<long long> arithmetic(std::string_view text);
  // Whether `text` is matched by `pattern`, whose quoted characters have a backslash; nullopt
  // where that depends on the locale.
  std::optional<bool> matches(std::string_view pattern, std::string_view text);
  std::optional<bool> matches_one_of(std::string_view pattern, std::size_t open,
                                     std::string_view text);
  // --- shell_files.cpp
  enum class Truth : signed char { kUnknown = -1, kTrue = 0, kFalse = 1 };  // exit statuses
  Truth file_test(char what, const std::string& path);
  bool touched(const std::string& path) const;  // the script may have changed what is there
  void touch(const Value& path);
  std::optional<std::string> absolute(const std::string& path) const;  // nullopt: cwd unknown
  // Paths that match; nullopt: not to be told.
  std::optional<std::vector<std::string>> glob(const std::string& pattern);
  std::optional<std::string> search(const std::string& name);  // on PATH; nullopt: unknown; "": no
  // --- conditions: shell_condition.cpp
  void test_command(const Words& arguments, bool bracket);
  void condition(const Node& node);
  int condition_or(const Node& node, std::size_t& at, bool evaluate);
  int condition_primary(const Node& node, std::size_t& at, bool evaluate);
  int test(const Value* words, std::size_t count);
  int unary_test(char operation, const Value& word);
  int binary_test(const Value& left, std::string_view operation, const Value& right);
  // --- shell_variables.cpp: assignments and declarations
  void assign(std::string_view raw);  // NAME=value, as written
  void declare(const Node& node, std::size_t first);
  void declare_one(std::string_view name, std::string_view flags);
  // Variables of `A=1 command`: set and exported while it runs.
  using Saved = std::map<std::string, std::optional<Variable>>;
  Saved assign_for_command(const Node& node);
  void restore(const Saved& saved);
  // --- shell_commands.cpp: programs
  void external(const Words& words);
  bool is_harmless_script(const Words& words);
  void replace(Words words);  // exec
  void record(const Words& words, bool replaces = false);
  std::shared_ptr<const Program> program_of(const Words& words);  // nullptr: unclear, and said so
  // --- shell_outputs.cpp: commands whose output can be computed; false: it is not one
  bool print_known(const Words& words);
  void print_echo(const Words& words);
  bool format(const Words& words, std::size_t first, std::string& out);
  // --- shell_builtins.cpp
  bool builtin(Words& words);  // false: not one of this shell's
  bool is_builtin(std::string_view name) const;
  void describe(const Words& words, std::size_t first, bool only_path);  // command -v, type
  // --- shell_options.cpp
  void set_options(const Words& words);
  bool set_option(std::string_view name, bool on);
  void set_trap(const Words& words);
  // --- shell_places.cpp
  void read_file_here(Words& words);  // . and source
  void change_directory(const Words& words);
  // --- shell_conda.cpp
  bool conda(const Words& arguments);  // false: not an activation

  bool bash() const { return dialect == Dialect::kBash; }
  bool stopped() const { return !error.empty(); }
  bool going() const { return error.empty() && state.alive; }
  std::string place() const;
  std::string place(int at) const;
  // `construct`: what stands there; a % in it becomes `quoted`.
  void unclear(std::string_view construct, std::string_view quoted = {});
  void unclear_since(const std::string& where, std::string_view construct,
                     std::string_view quoted = {});
  bool spend(std::size_t bytes);  // false: too much
  void status(int value) { state.status = value; }
  void print(std::string_view text);
  void print_unknown();

  const base::RootFs& fs;
  const Dialect dialect;
  const bool posix;
  std::string argv0;        // $0
  bool takes_text = false;  // -c
  std::optional<unsigned> uid;
  base::Environment foreign;  // of the environment, but no variables
  std::set<std::string, std::less<>> always_unknown;
  State state;
  Value substituted;
  std::string error;
  std::string stopped_at;  // the last place where a path failed
  std::vector<StartStep> steps;
  bool background = false;  // something was left running

  const std::string* source = nullptr;  // what is being read
  int line = 1;
  std::vector<const std::string*> sources;  // BASH_SOURCE
  std::deque<std::string> kept_names;       // keeps them
  std::deque<std::unique_ptr<Node>> trees;  // functions point into them
  std::set<std::string> written;
  bool written_unknown = false;
  std::set<std::string> exported_functions;  // bash's, with set -a
  std::string changed_at;  // the place where something changed the image in a way not followed
  std::optional<int> substitution_status;
  int depth = 0;  // shells above this one, whose scripts are followed for what they change
  int step_count = 0;
  std::size_t work = 0;
  int nesting = 0;
  int sourced = 0;
  int unchecked = 0;  // > 0: set -e does not look
  int capturing = 0;  // > 0: inside $( … )
  int subshells = 0;
  int pipe_input = 0;  // > 0: standard input is not the container's
  bool output_elsewhere = false;
  Frame* loop = nullptr;
  Frame* function = nullptr;
  std::optional<State>* ends = nullptr;
};

// A shell that is started so ends by itself, and neither runs a program that counts nor changes a
// file. `depth`: how many shells stand above it.
bool does_nothing(const base::RootFs& fs, const std::string& path, const Exec& exec, int depth);

struct Nesting {
  explicit Nesting(Interpreter& interpreter) : shell(interpreter) {
    if (++shell.nesting > kMaxDepth) shell.unclear("nested too deeply");
  }
  ~Nesting() { --shell.nesting; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  Interpreter& shell;
};

}  // namespace gpuinit::image::shell
