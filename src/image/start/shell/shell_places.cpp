// `.` and source, which read another file, and cd, which goes to another directory.
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

using Truth = Interpreter::Truth;

void Interpreter::read_file_here(Words& words) {
  std::size_t at = 1;
  if (words.words.size() > 1 && words.words[1].known && words.words[1].text == "--") ++at;
  if (words.words.size() <= at || !words.words[at].known)
    return unclear("`%` of something unknown", words.words[0].text);
  const std::string name = words.words[at].text;
  const bool parameters = words.words.size() > at + 1 || !words.exact;
  if (parameters && !bash()) return unclear("`.` with arguments");
  if (parameters && !words.known())
    return unclear("`%` with arguments that are unknown", words.words[0].text);
  std::string path = name;
  if (name.find('/') == std::string::npos) {
    const auto search_path = state.variables.find("PATH");
    if (search_path == state.variables.end() || search_path->second.kind != Variable::Kind::kText)
      return unclear("`%` on a `PATH` that is unknown", name);
    path.clear();
    for (const auto directory : base::split(search_path->second.text, ':')) {
      const std::string candidate = base::join(directory.empty() ? "." : directory, name);
      const auto is_file = file_test('f', candidate);
      if (is_file == Truth::kUnknown) return unclear("`%` on a `PATH` that is unknown", name);
      if (is_file == Truth::kTrue) {
        path = candidate;
        break;
      }
    }
    if (path.empty()) {
      if (!bash() || posix) return stop_failing("`%` does not exist", name);
      path = "./" + name;
    }
  }
  const auto exists = file_test('e', path);
  if (exists == Truth::kFalse) {
    if (!bash() || posix) return stop_failing("`%` does not exist", name);
    return status(1);
  }
  if (file_test('f', path) != Truth::kTrue || file_test('r', path) != Truth::kTrue)
    return unclear("`%`, which may have changed", name);
  const std::string where = *absolute(path);
  const Value before = get("VIRTUAL_ENV");
  std::vector<std::string> outer = state.parameters;
  const std::string outer_unknown = state.parameters_unknown;
  if (parameters) {
    state.parameters.clear();
    for (std::size_t i = at + 1; i < words.words.size(); ++i)
      state.parameters.push_back(words.words[i].text);
  }
  const std::vector<std::string> given = state.parameters;
  const std::string from = place();
  const std::size_t step = steps.size();
  if (steps.size() < 100) steps.push_back({"source " + where, "", from});
  if (!run_file(where, path)) return unclear("`%`, which cannot be read", name);
  if (!going()) return;
  if (parameters) {
    if (state.parameters != given) return unclear("`%`, which changes its arguments", name);
    state.parameters = std::move(outer);
    state.parameters_unknown = outer_unknown;
  }
  const Value after = get("VIRTUAL_ENV");
  if (base::basename(where).starts_with("activate") && after.known && !after.text.empty() &&
      step < steps.size())
    steps[step].what = "activate " + after.text;
}

void Interpreter::change_directory(const Words& words) {
  const auto& all = words.words;
  const Value search_path = get("CDPATH");
  std::size_t at = 1;
  bool physical = false;
  for (; at < all.size() && all[at].known && all[at].text.size() > 1 && all[at].text[0] == '-';
       ++at) {
    if (all[at].text == "--") {
      ++at;
      break;
    }
    if (all[at].text != "-P" && all[at].text != "-L") return unclear("`cd %`", all[at].text);
    physical = all[at].text == "-P";
  }
  if (!words.exact || all.size() > at + 1) return unclear("`cd` to something unknown");
  Value target = at < all.size() ? all[at] : get("HOME");
  const bool back = target.known && target.text == "-";
  if (back) target = get("OLDPWD");
  const bool searched =
      target.known && !target.text.starts_with("/") && !target.text.starts_with(".");
  if (searched && search_path.surely_not_empty()) return unclear("a `CDPATH`");
  if (target.known && target.text.empty()) return unclear("`cd` to nothing");
  const auto lose = [&] {
    state.cwd_unknown = place();
    set("OLDPWD", unknown_value());
    set("PWD", unknown_value());
    if (back || (searched && !search_path.known)) print_unknown();
    status(-1);
  };
  const auto where = target.known ? absolute(target.text) : std::nullopt;
  if (!where || (searched && !search_path.known)) return lose();
  const auto is_directory = file_test('d', target.text);
  if (is_directory == Truth::kFalse) return status(bash() ? 1 : 2);
  const auto info = fs.stat(*where);
  if (is_directory != Truth::kTrue || !info || (uid != 0U && (info->mode & 0111U) != 0111U))
    return lose();
  if (back) print(*where + "\n");
  Variable old;
  const auto pwd = state.variables.find("PWD");
  set("OLDPWD", pwd == state.variables.end() ? Value{} : get("PWD"));
  state.cwd = physical ? fs.resolve(*where).value_or(*where) : *where;
  state.cwd_unknown.clear();
  set("PWD", {state.cwd});
  state.variables["OLDPWD"].exported = true;
  state.variables["PWD"].exported = true;
  status(0);
}

}  // namespace gpuinit::image::shell
