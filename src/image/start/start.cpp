#include "image/start/start.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "image/start/env_command.h"
#include "image/start/path_search.h"
#include "image/start/pyenv.h"
#include "image/start/shebang.h"

namespace gpuinit::image {

namespace {

constexpr int kMaxShebangs = 5;  // as the kernel: the sixth is ELOOP
constexpr int kMaxSteps = 24;    // env, shims and trampolines on top of that
constexpr std::uint64_t kHead = 4096;

std::string quoted(const std::string& text) { return "`" + base::printable(text, 120) + "`"; }

// One walk from the command's first word to a Python.
class Walk {
 public:
  Walk(const base::RootFs& fs, std::vector<std::string> words, base::Environment environment,
       const std::string& working_directory)
      : fs_(fs), words_(std::move(words)) {
    start_.python.environment = std::move(environment);
    start_.python.working_directory = base::join("/", working_directory);
  }

  // nullopt if the command is unclear: why() then says from where on. An error if the Python
  // that it asks for does not exist.
  Result<std::optional<Start>> run() {
    for (int step = 0; step < kMaxSteps; ++step) {
      auto more = advance();
      if (!more) return std::move(more).error();
      if (!unclear_.empty()) return std::optional<Start>();
      if (!*more) return std::optional(std::move(start_));
    }
    unclear_ = "the command leads in circles";
    return std::optional<Start>();
  }

  const std::string& why() const { return unclear_; }

 private:
  Result<bool> give_up(std::string why) {
    unclear_ = std::move(why);
    return false;
  }

  // True: words_ is now what runs next. False: arrived, or unclear.
  Result<bool> advance() {
    if (words_.empty()) return give_up("there is no command");
    auto found = locate();
    if (!found) {
      const std::string why = found.error().message + origin_;
      if (is_python_name(words_[0])) return Error{why, found.error().code};
      return give_up(why);
    }
    const std::string path = std::move(found).value();
    const std::string head = read_head(path);
    if (head.starts_with("\x7f"
                         "ELF"))
      return at_program(path);
    if (head.starts_with("#!")) return at_script(path, head);
    return give_up(quoted(path) + " is neither a program nor a script");
  }

  Result<std::string> locate() const {
    // The kernel does not search PATH for what a shebang names.
    if (!by_path_search_ && words_[0].find('/') == std::string::npos)
      return find_program(fs_, "./" + words_[0], "", start_.python.working_directory);
    return find_program(fs_, words_[0], search_path_of(start_.python.environment),
                        start_.python.working_directory);
  }

  std::string read_head(const std::string& path) const {
    auto file = fs_.open_file(path);
    if (!file) return "";
    return file->read_text(0, std::min(file->size(), kHead)).value_or("");
  }

  Result<bool> at_program(const std::string& path) {
    if (base::basename(path) == "env") return at_env(path);
    // With the environment as env has left it: LD_LIBRARY_PATH decides on libpython.
    const ldso::LibrarySearch libraries(fs_, start_.python.environment);
    start_.binary = PythonBinary::open(fs_, path, libraries);
    if (!start_.binary || !start_.binary->has_value()) {
      if (!is_python_name(path)) return give_up(quoted(path) + " is not Python");
      // Called python, but not to be recognised: let the reader of it say why.
    }
    start_.python.interpreter = path;
    start_.followed = true;
    start_.python.options = parse_python_options(std::span<const std::string>(words_).subspan(1));
    start_.chosen_because = reason(path);
    return false;
  }

  std::string reason(const std::string& path) const {
    if (!reason_.empty()) return reason_;
    if (words_[0].find('/') != std::string::npos) return "the command names " + quoted(path);
    return quoted(words_[0]) + " found on PATH";
  }

  Result<bool> at_env(const std::string& path) {
    auto env = apply_env({words_.begin() + 1, words_.end()}, start_.python.environment,
                         start_.python.working_directory);
    if (!env) return give_up(env.error().message);
    if (env->command.empty()) return give_up(quoted(path) + " runs nothing");
    words_ = std::move(env->command);
    start_.python.environment = std::move(env->environment);
    start_.python.working_directory = std::move(env->working_directory);
    by_path_search_ = true;
    if (reason_.empty()) {
      reason_ = quoted(words_[0]) + " run by env";
    } else {
      reason_ += " through env";
    }
    return true;
  }

  Result<bool> at_script(const std::string& path, const std::string& head) {
    if (const auto root = pyenv_root_of_shim(head)) return at_pyenv_shim(path, *root);
    if (auto python = parse_exec_trampoline(head, base::parent(fs_.resolve(path).value_or(path)))) {
      return interpret(path, Shebang{std::move(*python), ""});
    }
    const auto shebang = parse_shebang(head);
    if (!shebang) return give_up("the first line of " + quoted(path) + " names no interpreter");
    if (++shebangs_ > kMaxShebangs) return give_up("too many scripts that interpret scripts");
    return interpret(path, *shebang);
  }

  Result<bool> interpret(const std::string& script, const Shebang& shebang) {
    std::vector<std::string> words{shebang.interpreter};
    if (!shebang.argument.empty()) words.push_back(shebang.argument);
    words.push_back(script);
    words.insert(words.end(), words_.begin() + 1, words_.end());
    words_ = std::move(words);
    by_path_search_ = false;
    if (reason_.empty() || !reason_is_script_) reason_ = "shebang of " + base::printable(script);
    reason_is_script_ = true;
    origin_ = " (shebang of " + base::printable(script) + ")";
    return true;
  }

  Result<bool> at_pyenv_shim(const std::string& shim, const std::string& root) {
    auto choice = follow_pyenv(fs_, root, std::string(base::basename(shim)),
                               start_.python.environment, start_.python.working_directory);
    if (!choice) {
      if (is_python_name(shim)) return std::move(choice).error();
      return give_up(choice.error().message);
    }
    words_[0] = choice->path;
    reason_ = (reason_.empty() ? "" : reason_ + ", ") + choice->reason;
    return true;
  }

  const base::RootFs& fs_;
  std::vector<std::string> words_;  // argv of what runs next
  Start start_;
  std::string unclear_;
  std::string reason_;
  std::string origin_;  // where a missing interpreter was named
  bool reason_is_script_ = false;
  bool by_path_search_ = true;
  int shebangs_ = 0;
};

}  // namespace

Result<Start> follow_command(const StartQuery& query) {
  Walk walk(query.fs, query.command, query.environment, query.working_directory);
  auto followed = walk.run();
  if (!followed) return std::move(followed).error();
  if (*followed) return *std::move(*followed);

  std::string because = walk.why();
  std::vector<std::string> names{"python3", "python"};
  if (!query.fallback_interpreter.empty()) names.insert(names.begin(), query.fallback_interpreter);
  for (std::size_t at = 0; at < names.size(); ++at) {
    const bool from_policy = at == 0 && !query.fallback_interpreter.empty();
    Walk fallback(query.fs, {names[at]}, query.environment, query.working_directory);
    auto found = fallback.run();
    if (found && *found) {
      Start start = *std::move(*found);
      start.followed = false;
      start.python.options = PythonOptions{};
      start.chosen_because =
          because + ": " +
          (from_policy ? "python.interpreter of the policy" : start.chosen_because);
      return start;
    }
    if (from_policy)
      because += ", python.interpreter: " + (found ? fallback.why() : found.error().message);
  }
  return Error{because + ", and neither python3 nor python is on PATH"};
}

}  // namespace gpuinit::image
