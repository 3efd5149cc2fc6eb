// What commands print, where that is known without running them: for $( … ).
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

std::string dirname_of(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  path.resize(slash);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path.empty() ? "/" : path;
}

std::string basename_of(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path == "/" ? path : path.substr(path.rfind('/') + 1);
}

}  // namespace

void Interpreter::print(std::string_view text) {
  if (capturing == 0 || output_elsewhere || !state.output.known) return;
  if (!spend(text.size())) return;
  if (state.output.text.size() + text.size() > kMaxWord)
    return unclear("an output that is too long");
  state.output.text += text;
}

void Interpreter::print_unknown() {
  if (capturing == 0 || output_elsewhere) return;
  state.output.known = false;
}

void Interpreter::print_echo(const Words& words) {
  status(0);
  if (capturing == 0) return;
  std::size_t at = 1;
  bool newline = true;
  if (words.words.size() > 1 && words.words[1].text == "-n") {
    newline = false;
    at = 2;
  }
  if (!words.known()) return print_unknown();
  std::string text;
  for (const std::size_t first = at; at < words.words.size(); ++at) {
    const std::string& word = words.words[at].text;
    // What echo makes of these, shells disagree.
    if ((at == first && word.starts_with("-")) || word.find('\\') != std::string::npos)
      return print_unknown();
    text += (at > first ? " " : "") + word;
  }
  print(text + (newline ? "\n" : ""));
}

// What printf makes of `words` from the format on; false: not understood.
bool Interpreter::format(const Words& words, std::size_t first, std::string& out) {
  if (!words.known() || first >= words.words.size()) return false;
  const std::string& format = words.words[first].text;
  std::size_t next = first + 1;
  do {
    const auto before = next;
    for (std::size_t at = 0; at < format.size(); ++at) {
      const char c = format[at];
      if (c != '%' && c != '\\') {
        out += c;
        continue;
      }
      const char kind = ++at < format.size() ? format[at] : '\0';
      const std::string value = next < words.words.size() ? words.words[next].text : "";
      if (c == '\\' && (kind == 'n' || kind == 't' || kind == '\\')) {
        out += kind == 'n' ? '\n' : kind == 't' ? '\t' : '\\';
      } else if (c == '%' && kind == '%') {
        out += '%';
      } else if (c == '%' && (kind == 's' || (kind == 'd' && base::parse_number(value) &&
                                              (value == "0" || value[0] != '0')))) {
        out += value;
        ++next;
      } else {
        return false;
      }
      if (out.size() > kMaxWord) return false;
    }
    if (next == before) break;
  } while (next < words.words.size());
  return true;
}

bool Interpreter::print_known(const Words& words) {
  const auto& all = words.words;
  const std::string name(base::basename(all[0].text));
  std::size_t at = 1;
  if (name == "uname" &&
      (all.size() == 1 || (all.size() == 2 && all[1].known && all[1].text == "-s"))) {
    print("Linux\n");
    return status(0), true;
  }
  if (name == "id" && all.size() == 2 && all[1].known &&
      (all[1].text == "-u" || all[1].text == "-ru")) {
    uid ? print(std::to_string(*uid) + "\n") : print_unknown();
    return status(0), true;
  }
  if (name == "conda" && all.size() >= 3 && words.known() && all.size() <= 4) {
    // What its hook prints defines the functions, then activates "base".
    const std::string program = search(all[0].text).value_or("");
    const std::string real = fs.resolve(absolute(program).value_or("/")).value_or("/");
    const std::string root(base::parent(base::parent(real)));
    const std::string hook = root + "/etc/profile.d/conda.sh";
    if (program.empty() || !fs.is_file(hook) || root.find('\'') != std::string::npos ||
        touched(hook))
      return false;
    if (all[1].text.starts_with("shell.") && all[2].text == "hook") {
      const bool posix_like = all[1].text == "shell.bash" || all[1].text == "shell.posix";
      if (!posix_like || all.size() != 3) return false;
      print(". '" + hook + "'\nconda activate 'base'\n");
      return status(0), true;
    }
    if (all[1].text == "info" && all[2].text == "--base" && all.size() == 3) {
      print(root + "\n");
      return status(0), true;
    }
    return false;
  }
  if (!words.known()) return false;
  const auto skip_dashes = [&] {
    if (at < all.size() && all[at].text == "--") ++at;
  };
  if (name == "dirname" || name == "basename") {
    skip_dashes();
    if (at >= all.size() || all[at].text.starts_with("-")) return false;
    std::string result = name == "dirname" ? dirname_of(all[at].text) : basename_of(all[at].text);
    if (name == "basename" && at + 2 == all.size()) {
      const std::string& suffix = all[at + 1].text;
      if (result.ends_with(suffix) && result != suffix)
        result.resize(result.size() - suffix.size());
    } else if (at + 1 != all.size()) {
      return false;
    }
    print(result + "\n");
    return status(0), true;
  }
  if (name == "readlink" || name == "realpath") {
    bool whole = name == "realpath";
    while (at < all.size() && all[at].text.starts_with("-") && all[at].text != "--") {
      const std::string& option = all[at++].text;
      if (option != "-f" && option != "-e" && option != "--canonicalize" && option != "-m")
        return false;
      whole = true;
    }
    skip_dashes();
    if (at + 1 != all.size()) return false;
    const auto where = absolute(all[at].text);
    if (!where || touched(*where) || where->starts_with("/proc") || where->starts_with("/dev"))
      return false;
    const std::string path =
        all[at].text.starts_with("/") ? all[at].text : base::join(state.cwd, all[at].text);
    const auto result = whole ? fs.resolve(path) : fs.read_link(path);
    if (!result || !fs.stat(path) || touched(*result)) return false;
    print(*result + "\n");
    return status(0), true;
  }
  if (name == "which" && all.size() == 2) {
    describe(words, 1, true);
    return true;
  }
  if (name == "cat" && all.size() == 2) {
    const auto where = absolute(all[1].text);
    if (!where || file_test('f', all[1].text) != Truth::kTrue ||
        file_test('r', all[1].text) != Truth::kTrue)
      return false;
    const auto text = fs.read_file(*where, kMaxWord / 2);
    if (!text || text->find('\0') != std::string::npos) return false;
    print(*text);
    return status(0), true;
  }
  if (name == "printenv" && all.size() == 2) {
    const auto found = state.variables.find(all[1].text);
    if (found == state.variables.end() || !found->second.exported ||
        found->second.kind != Variable::Kind::kText)
      return false;
    print(found->second.text + "\n");
    return status(0), true;
  }
  return false;
}

}  // namespace gpuinit::image::shell
