#include "image/start/shell/shell_state.h"

#include <utility>

namespace gpuinit::image::shell {

namespace {

void join_variable(Variable& into, const Variable& other, const std::string& place) {
  if (into == other) return;
  const auto not_empty = [](const Variable& variable) {
    return variable.kind == Variable::Kind::kText ? !variable.text.empty() : variable.some;
  };
  Variable joined;
  joined.kind = Variable::Kind::kUnknown;
  joined.exported = into.exported || other.exported;
  joined.perhaps = into.perhaps || other.perhaps || into.exported != other.exported;
  joined.read_only = into.read_only || other.read_only;
  joined.some = not_empty(into) && not_empty(other);
  joined.since = into.since.empty() ? (other.since.empty() ? place : other.since) : into.since;
  into = std::move(joined);
}

Variable unknown_variable(const std::string& place) {
  Variable variable;
  variable.kind = Variable::Kind::kUnknown;
  variable.exported = true;
  variable.perhaps = true;
  variable.since = place;
  return variable;
}

// Both maps get all names of either.
template <class Map, class Join>
void join_maps(Map& into, const Map& other, Join join_one) {
  for (auto& [name, value] : into) {
    const auto found = other.find(name);
    join_one(value, found == other.end() ? typename Map::mapped_type{} : found->second);
  }
  for (const auto& [name, value] : other)
    if (into.find(name) == into.end()) {
      typename Map::mapped_type absent{};
      join_one(absent, value);
      into.emplace(name, std::move(absent));
    }
}

// The program of both, or one that says that there is a conflict.
std::shared_ptr<const Program> join_programs(const std::shared_ptr<const Program>& a,
                                             const std::shared_ptr<const Program>& b,
                                             const std::string& place) {
  if (a == b || same_program(a.get(), b.get())) return a;
  auto joined = std::make_shared<Program>(a ? *a : *b);
  if (!joined->conflict.empty()) return joined;
  if (b && !b->conflict.empty()) return b;
  const Exec* other = a && b ? &b->exec : nullptr;
  Exec& exec = joined->exec;
  if (other == nullptr || other->argv != exec.argv || other->uid != exec.uid ||
      other->working_directory != exec.working_directory) {
    joined->conflict = place;
    return joined;
  }
  exec.unknown_variables.insert(other->unknown_variables.begin(), other->unknown_variables.end());
  for (const auto* environment : {&a->exec.environment, &b->exec.environment})
    for (const auto& [name, value] : *environment) {
      const auto in_a = a->exec.environment.find(name);
      const auto in_b = other->environment.find(name);
      if (in_a != a->exec.environment.end() && in_b != other->environment.end() &&
          in_a->second == in_b->second)
        continue;
      if (steers_a_start(name)) joined->conflict = place;
      exec.unknown_variables.insert(name);
    }
  for (const auto& name : exec.unknown_variables) exec.environment.erase(name);
  return joined;
}

}  // namespace

bool same_program(const Program* a, const Program* b) {
  return a != nullptr && b != nullptr && a->conflict.empty() && b->conflict.empty() &&
         a->exec.argv == b->exec.argv && a->exec.environment == b->exec.environment &&
         a->exec.unknown_variables == b->exec.unknown_variables &&
         a->exec.working_directory == b->exec.working_directory && a->exec.uid == b->exec.uid;
}

std::size_t State::size() const {
  std::size_t bytes = 512 + output.text.size();
  for (const auto& parameter : parameters) bytes += 32 + parameter.size();
  for (const auto& [name, variable] : variables) {
    bytes += 192 + variable.text.size();
    for (const auto& item : variable.items) bytes += 32 + item.size();
  }
  return bytes + 128 * functions.size();
}

void join(State& into, State&& other, const std::string& place) {
  if (!other.alive) return;
  if (!into.alive) {
    into = std::move(other);
    return;
  }
  const auto join_one = [&](Variable& a, const Variable& b) { join_variable(a, b, place); };
  // A variable that is local on one path only: what it hides is not known afterwards.
  for (std::size_t at = 0; at < into.hidden.size() && at < other.hidden.size(); ++at) {
    for (auto [from, to] : {std::pair{&into, &other}, std::pair{&other, &into}})
      for (const auto& [name, variable] : from->hidden[at])
        to->hidden[at].emplace(name, unknown_variable(place));
    join_maps(into.hidden[at], other.hidden[at], join_one);
  }
  join_maps(into.variables, other.variables, join_one);
  join_maps(into.functions, other.functions, [&](Function& a, const Function& b) {
    if (!(a == b)) a = Function{};
  });
  if (!other.parameters_unknown.empty()) into.parameters_unknown = other.parameters_unknown;
  if (into.parameters != other.parameters) into.parameters_unknown = place;
  if (!other.cwd_unknown.empty()) into.cwd_unknown = other.cwd_unknown;
  if (into.cwd != other.cwd) into.cwd_unknown = place;
  if (into.status != other.status) into.status = -1;
  // Where they differ, what goes on without them includes what stops with them.
  constexpr unsigned kStopping = kErrExit | kNoUnset;
  const unsigned mixed = (into.options ^ other.options) & ~kStopping;
  into.options &= other.options | ~kStopping;
  if (mixed != 0) into.options |= kMixed;
  if (!(into.output == other.output)) into.output = unknown_value();
  if (into.exit_trap != other.exit_trap) into.exit_trap = "\n(";  // parsed by no shell
  into.program = join_programs(into.program, other.program, place);
  if (into.last != other.last && !same_program(into.last.get(), other.last.get()))
    into.last = nullptr;
}

}  // namespace gpuinit::image::shell
