// Follows the tree of a script: lists, conditions, loops, functions, subshells.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_redirects.h"

namespace gpuinit::image::shell {

using Kind = Node::Kind;

std::string Interpreter::place(int at) const {
  if (source == nullptr) return argv0;
  return *source + (source->starts_with('/') ? ":" + std::to_string(at) : "");
}
std::string Interpreter::place() const { return place(line); }

void Interpreter::unclear(std::string_view construct, std::string_view quoted) {
  unclear_since("", construct, quoted);
}

void Interpreter::unclear_since(const std::string& where, std::string_view construct,
                                std::string_view quoted) {
  if (!error.empty()) return;
  std::string text(construct);
  const auto gap = text.find('%');
  if (gap != std::string::npos) text.replace(gap, 1, quoted.substr(0, 200));
  error = base::printable((where.empty() ? place() : where) + " (" + text + ")");
}

bool Interpreter::spend(std::size_t bytes) {
  work += bytes;
  if (++step_count <= kMaxSteps && work <= kMaxWork) return true;
  unclear("too long to be followed");
  return false;
}

void Interpreter::leave(std::optional<State>& into) {
  if (!into) {
    into = state;
  } else {
    join(*into, State(state), place());
  }
  state.alive = false;
}

void Interpreter::end_shell() {
  if (!going()) return;
  if (!state.exit_trap.empty() && subshells > 0) return unclear("a `trap` in a subshell");
  if (!state.exit_trap.empty()) {
    const std::string text = std::exchange(state.exit_trap, "");
    const int before = state.status;
    run_text(text, source == nullptr ? argv0 : *source, line);
    if (!going()) return;
    state.status = before;
  }
  // A path on which the script fails is one on which there is no program to speak of.
  if (subshells == 0 && state.status > 0 && !state.program) {
    stopped_at = place();
    state.alive = false;
    return;
  }
  leave(*ends);
}

void Interpreter::stop_failing(std::string_view why, std::string_view quoted) {
  if (!going()) return;
  state.status = bash() ? 1 : 2;
  if (subshells == 0 && !state.program) {
    unclear(why, quoted);  // only to be worded
    stopped_at = std::exchange(error, "");
    state.alive = false;
    return;
  }
  end_shell();
}

template <class Body>
void Interpreter::in_subshell(Body body) {
  State before = state;
  if (!spend(before.size())) return;
  std::optional<State> ended;
  auto* const outer_ends = std::exchange(ends, &ended);
  auto* const outer_loop = std::exchange(loop, nullptr);
  auto* const outer_function = std::exchange(function, nullptr);
  ++subshells;
  state.exit_trap.clear();
  body();
  end_shell();
  --subshells;
  function = outer_function;
  loop = outer_loop;
  ends = outer_ends;
  state = std::move(before);
  if (!ended) {
    // It never comes back.
    if (!stopped()) unclear("a subshell that does not end");
    return;
  }
  state.status = ended->status;
  state.program = ended->program;
  state.last = ended->last;
  state.output = std::move(ended->output);
}

void Interpreter::substitute(std::string_view text) {
  Nesting nesting_here(*this);
  if (stopped()) return;
  if (text.size() > kMaxText || !spend(64 * text.size())) return unclear("too long to be followed");
  Value outer = std::exchange(state.output, Value{});
  const auto program = state.program;
  const bool outer_elsewhere = std::exchange(output_elsewhere, false);
  ++capturing;
  const int outer_line = line;
  in_subshell([&] {
    // bash does not hand `set -e` down, unless it is POSIX's sh.
    if (bash() && !posix) state.options &= ~static_cast<unsigned>(kErrExit);
    trees.push_back(parse(text, line, bash()));
    run(*trees.back());
    // What it would take to know this output does not matter as long as it is not used.
    if (stopped() && step_count <= kMaxSteps && work <= kMaxWork) {
      error.clear();
      state.alive = true;
      state.status = -1;
      state.output = unknown_value();
    }
  });
  line = outer_line;
  --capturing;
  output_elsewhere = outer_elsewhere;
  state.program = program;
  // A substitution's own value is left in `output` for the caller, who puts this back.
  Value inner = std::exchange(state.output, std::move(outer));
  if (inner.known) inner.text.erase(inner.text.find_last_not_of('\n') + 1);
  substituted = std::move(inner);
  substitution_status = state.status;
}

void Interpreter::run_text(std::string_view text, const std::string& name, int first_line) {
  Nesting nesting_here(*this);
  if (stopped()) return;
  if (text.size() > kMaxText) return unclear("too long to be followed");
  if (text.find('\0') != std::string_view::npos) return unclear("not a text");
  if (!spend(64 * text.size())) return;
  trees.push_back(parse(text, first_line, bash()));
  if (source == nullptr || *source != name) kept_names.push_back(name);
  const auto* const outer = source;
  const int outer_line = line;
  if (source == nullptr || *source != name) source = &kept_names.back();
  run(*trees.back());
  source = outer;
  line = outer_line;
}

bool Interpreter::run_file(const std::string& path, const std::string& name) {
  auto text = fs.read_file(path, kMaxText);
  if (!text) return false;
  if (++sourced > kMaxSourced) {
    unclear("more than 64 files that are sourced");
    return true;
  }
  kept_names.push_back(name);
  sources.push_back(&kept_names.back());
  Frame frame;
  auto* const outer = std::exchange(function, &frame);
  auto* const outer_loop = std::exchange(loop, nullptr);
  state.status = -1;  // what the file sees of the last command's, shells disagree
  run_text(*text, path, 1);
  loop = outer_loop;
  function = outer;
  sources.pop_back();
  if (frame.broke && !stopped()) join(state, std::move(*frame.broke), place());
  return true;
}

void Interpreter::call(const Function& callee, Words arguments) {
  Nesting nesting_here(*this);
  if (stopped()) return;
  if (callee.body == nullptr) return unclear("a function that is not the same on all paths");
  auto parameters = state.parameters;
  auto unknown = state.parameters_unknown;
  state.parameters.clear();
  state.parameters_unknown = arguments.known() ? "" : place();
  for (std::size_t at = 1; at < arguments.words.size(); ++at)
    state.parameters.push_back(std::move(arguments.words[at].text));
  state.hidden.emplace_back();
  Frame frame;
  auto* const outer_function = std::exchange(function, &frame);
  auto* const outer_loop = std::exchange(loop, nullptr);
  const auto* const outer_source = std::exchange(source, callee.source);
  const int outer_line = line;
  sources.push_back(callee.source);
  run(*callee.body);
  sources.pop_back();
  line = outer_line;
  source = outer_source;
  loop = outer_loop;
  function = outer_function;
  if (stopped()) return;
  if (frame.broke) join(state, std::move(*frame.broke), place());
  if (!state.alive) return;
  for (auto& [name, variable] : state.hidden.back()) {
    if (variable.kind == Variable::Kind::kUnset && !variable.exported) {
      state.variables.erase(name);
    } else {
      state.variables[name] = std::move(variable);
    }
  }
  state.hidden.pop_back();
  state.parameters = std::move(parameters);
  state.parameters_unknown = std::move(unknown);
}

void Interpreter::check_status() {
  if (!going() || unchecked > 0 || (state.options & kErrExit) == 0) return;
  if (state.status > 0) return stop_failing("fails under `set -e`");
  if (state.status == 0) return;
  if (subshells > 0) {
    State goes_on = state;
    if (!spend(goes_on.size())) return;
    leave(*ends);
    state = std::move(goes_on);
  }
  state.status = 0;  // of the path that goes on
}

// Follows `then` where the status is 0 and `other` where it is not; both if it is unknown.
template <class Then, class Else>
void Interpreter::branch(Then then, Else other) {
  if (!going()) return;
  if (state.status == 0) return then();
  if (state.status > 0) return other();
  const std::string where = place();
  State copy = state;
  if (!spend(copy.size())) return;
  state.status = 0;
  then();
  if (stopped()) return;
  State after_then = std::exchange(state, std::move(copy));
  other();
  if (stopped()) return;
  join(state, std::move(after_then), where);
}

void Interpreter::run_condition(const Node& node) {
  ++unchecked;
  run(node);
  --unchecked;
}

void Interpreter::run_if(const Node& node, std::size_t at) {
  if (at >= node.children.size()) return status(0);
  if (at + 1 == node.children.size()) return run(*node.children[at]);
  Nesting nesting_here(*this);
  run_condition(*node.children[at]);
  line = node.line;
  branch([&] { run(*node.children[at + 1]); }, [&] { run_if(node, at + 2); });
}

void Interpreter::run_and_or(const Node& node) {
  run_condition(*node.children[0]);
  for (std::size_t at = 1; at < node.children.size() && going(); ++at) {
    const bool and_then = node.words[at - 1] == "&&";
    const auto next = [&] {
      if (at + 1 == node.children.size()) return run(*node.children[at]);
      run_condition(*node.children[at]);
    };
    branch(
        [&] {
          if (and_then) next();
        },
        [&] {
          if (!and_then) next();
        });
  }
}

// One round of a loop; true if it goes on. `left`: the paths that went out by `break`.
bool Interpreter::run_body(const Node& body, std::optional<State>& left) {
  Frame frame;
  auto* const outer = std::exchange(loop, &frame);
  run(body);
  loop = outer;
  if (stopped()) return false;
  if (frame.continued) join(state, std::move(*frame.continued), place());
  if (frame.broke) {
    if (left) join(*frame.broke, std::move(*left), place());
    left = std::move(frame.broke);
  }
  return state.alive;
}

// Any number of rounds: until one more changes nothing that is known.
template <class Round>
void Interpreter::run_any_number(Round round) {
  const auto program = state.program;
  for (int tries = 0; tries < 4; ++tries) {
    State before = state;
    if (!spend(before.size())) return;
    Frame frame;
    auto* const outer = std::exchange(loop, &frame);
    round();
    loop = outer;
    if (stopped()) return;
    for (auto* way : {&frame.continued, &frame.broke})
      if (*way) join(state, std::move(**way), place());
    if (!state.alive) state = before;
    state.status = before.status;
    State joined = before;
    join(joined, std::move(state), place());
    state = std::move(joined);
    if (state == before) {
      if (state.program != program) break;
      state.status = -1;
      return;
    }
  }
  unclear("a loop");
}

void Interpreter::after_words(int before) {
  if (substitution_status && state.status != before) state.status = -1;
}

void Interpreter::run_for(const Node& node) {
  Words list;
  const int before = state.status;
  if (node.listed) {
    list = expand(node.words);
  } else if (!state.parameters_unknown.empty()) {
    list.exact = false;
  } else {
    for (const auto& parameter : state.parameters) list.words.push_back({parameter});
  }
  if (!going()) return;
  after_words(before);
  if (list.exact && list.words.empty()) status(0);
  if (!list.exact)
    return run_any_number([&] {
      set(node.text, unknown_value());
      run(*node.children[0]);
    });
  std::optional<State> left;
  for (auto& word : list.words) {
    set(node.text, std::move(word));
    if (!run_body(*node.children[0], left)) break;
  }
  if (left && !stopped()) join(state, std::move(*left), place());
}

void Interpreter::run_while(const Node& node) {
  std::optional<State> left;
  run_rounds(node, left);
  if (left && !stopped()) join(state, std::move(*left), place());
}

void Interpreter::run_rounds(const Node& node, std::optional<State>& left) {
  int result = 0;
  const auto compute = [&](std::size_t at) {
    if (at < node.words.size() && node.words[at].find_first_not_of(" \t") != std::string::npos)
      arithmetic(node.words[at]);
  };
  compute(0);
  for (;;) {
    State before = state;
    if (!spend(before.size())) return;
    run_condition(*node.children[0]);
    if (!going()) return;
    if (state.status < 0 && !node.words.empty()) return unclear("a `for ((`");
    if (state.status < 0) {
      state = std::move(before);
      run_any_number([&] {
        run_condition(*node.children[0]);
        if (going()) run(*node.children[1]);
      });
      if (!going()) return;
      // The condition is looked at once more after the last round, unless a `break` ended it.
      State broke = state;
      run_condition(*node.children[0]);
      if (stopped()) return;
      join(state, std::move(broke), place());
      return status(-1);
    }
    if ((state.status == 0) != (node.kind == Kind::kWhile)) return status(result);
    if (!run_body(*node.children[1], left)) return;
    result = state.status;
    compute(1);
    before.status = state.status;
    before.last = state.last;
    if (state == before) {  // it does the same for ever
      state.status = 0;
      return leave(*ends);
    }
  }
}

void Interpreter::run_case(const Node& node, std::size_t from, const Value& subject) {
  Nesting nesting_here(*this);
  const int before = state.status;  // the body's $? as it begins
  for (std::size_t at = from; at < node.children.size() && going(); ++at) {
    const Node& clause = *node.children[at];
    std::optional<bool> hit = false;
    for (const auto& raw : clause.words) {
      const Value pattern = expand_pattern(raw);
      if (!going()) return;
      std::optional<bool> one;
      if (pattern.known && pattern.text == "*") one = true;
      else if (pattern.known && subject.known) one = matches(pattern.text, subject.text);
      if (one == true) {
        hit = true;
        break;
      }
      if (!one) hit = std::nullopt;
    }
    if (hit == false) continue;
    if (clause.text != ";;") return unclear("a `case` that falls through");
    const bool surely = hit.has_value();
    // After a pattern that may match, one that surely does: still only one of these clauses.
    state.status = surely ? 0 : -1;
    line = node.line;
    branch(
        [&] {
          status(before);
          run(*clause.children[0]);
        },
        [&] {
          status(before);
          run_case(node, at + 1, subject);
        });
    return;
  }
  if (going()) status(0);
}

void Interpreter::run_pipeline(const Node& node) {
  std::shared_ptr<const Program> program = state.program;
  const std::size_t stages = node.children.size();
  int failed = 0;
  ++unchecked;
  ++pipe_input;
  const int outer_input = pipe_input - 1;
  for (std::size_t at = 0; at < stages && going(); ++at) {
    const bool is_last = at + 1 == stages;
    const bool outer_elsewhere = output_elsewhere;
    pipe_input = at == 0 ? outer_input : outer_input + 1;
    output_elsewhere = output_elsewhere || !is_last;
    const Value output = state.output;
    in_subshell([&] { run(*node.children[at]); });
    output_elsewhere = outer_elsewhere;
    if (stopped()) break;
    if (!is_last) state.output = output;
    if (state.status != 0 && failed >= 0) failed = state.status;
    state.last = nullptr;
  }
  pipe_input = outer_input;
  --unchecked;
  if ((state.options & kPipeFail) != 0 && failed != 0) state.status = failed;
  check_status();
}

void Interpreter::run(const Node& node) {
  if (!going()) return;
  if (node.line > 0) line = node.line;
  substitution_status.reset();
  if (!spend(node.words.size())) return;
  Nesting nesting_here(*this);
  if (stopped()) return;
  if ((state.options & kMixed) != 0) return unclear("after `set` on some paths only");
  if (node.kind != Kind::kSimple && node.kind != Kind::kFunction && !node.redirects.empty()) {
    RedirectScope scope(*this, node);
    if (going()) run_kind(node);
    return;
  }
  run_kind(node);
}

void Interpreter::run_kind(const Node& node) {
  switch (node.kind) {
    case Kind::kSimple:
      run_simple(node);
      return check_status();
    case Kind::kList:
      if (node.children.empty()) status(0);
      for (const auto& child : node.children) {
        if (!going()) return;
        run(*child);
      }
      return;
    case Kind::kGroup:
      return run(*node.children[0]);
    case Kind::kAndOr:
      return run_and_or(node);
    case Kind::kPipeline:
      return run_pipeline(node);
    case Kind::kNot:
      run_condition(*node.children[0]);
      if (going() && node.listed && state.status >= 0) state.status = state.status == 0 ? 1 : 0;
      return;
    case Kind::kBackground:
      background = true;
      state.last = nullptr;
      return status(0);
    case Kind::kSubshell:
      in_subshell([&] { run(*node.children[0]); });
      return check_status();
    case Kind::kIf:
      if (node.children.size() > 80) return unclear("a long `if`");
      return run_if(node, 0);
    case Kind::kCase: {
      const int before = state.status;
      const Value subject = expand_one(node.words[0]);
      after_words(before);
      return run_case(node, 0, subject);
    }
    case Kind::kFor:
      return run_for(node);
    case Kind::kWhile:
    case Kind::kUntil:
      return run_while(node);
    case Kind::kFunction:
      if (node.children[0]->redirects.size() > 0) return unclear("a function with a redirection");
      if (has_word(
              ": . break continue eval exec exit export readonly return set shift times trap unset",
              node.text))
        return unclear("a function called `%`", node.text);
      if (bash() && (state.options & kAllExport) != 0) exported_functions.insert(node.text);
      state.functions[node.text] = Function{node.children[0].get(), source};
      return status(0);
    case Kind::kCondition:
      condition(node);
      return check_status();
    case Kind::kArithmetic: {
      const auto value = arithmetic(node.text);
      status(value ? (*value != 0 ? 0 : 1) : -1);
      return check_status();
    }
    case Kind::kClause:
    case Kind::kUnclear:
      return unclear(node.text);
  }
}

}  // namespace gpuinit::image::shell
