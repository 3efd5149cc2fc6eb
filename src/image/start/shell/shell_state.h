// What is known of a shell's state while its script is followed: variables, functions,
// parameters, the program that it has come to. What the script's own runs would have to tell is
// unknown; two states join where branches meet, and what differs between them becomes unknown.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/start/exec.h"
#include "image/start/shell/shell_syntax.h"

namespace gpuinit::image::shell {

// A word or an output. Of an unknown one `text` is the beginning that is known.
struct Value {
  std::string text;
  bool known = true;
  bool some = false;  // of an unknown one: it is not empty
  bool surely_not_empty() const { return some || !text.empty(); }
  bool operator==(const Value&) const = default;
};

inline Value unknown_value() { return {"", false}; }

struct Variable {
  enum class Kind : unsigned char { kUnset, kText, kList, kUnknown };
  Kind kind = Kind::kUnset;
  bool exported = false;
  bool perhaps = false;  // it is exported on some of the paths that met
  bool read_only = false;
  bool some = false;  // of an unknown one: it is set, and not empty
  std::string text;
  std::vector<std::string> items;
  std::string since;  // of an unknown one: the place where it became that
  bool operator==(const Variable&) const = default;
};

struct Function {
  const Node* body = nullptr;  // nullptr: unknown, or not defined
  const std::string* source = nullptr;
  bool operator==(const Function&) const = default;
};

// The program that a path through the script comes to.
struct Program {
  Exec exec;
  std::string place;
  std::string conflict;  // not empty: other paths come to another one; says where they meet
};

enum Option : unsigned {
  kErrExit = 1,
  kNoUnset = 2,
  kAllExport = 4,
  kNoGlob = 8,
  kPipeFail = 16,
  kNullGlob = 32,
  kExtGlob = 64,
  kMixed = 128,       // the others differ between the paths that met
  kOtherFlags = 256,  // and from here on those that only $- tells: x, v, m, b, E, T
};

struct State {
  std::map<std::string, Variable, std::less<>> variables;
  std::map<std::string, Function> functions;
  std::vector<std::string> parameters;
  std::string parameters_unknown;  // the place where they became unknown
  std::string cwd;                 // absolute, as the shell would write it
  std::string cwd_unknown;
  // Of each function that is running: what its local variables hide.
  std::vector<std::map<std::string, Variable>> hidden;
  unsigned options = 0;
  int status = 0;  // -1: unknown
  Value output;    // of the substitution that is being followed
  std::string exit_trap;
  std::shared_ptr<const Program> program;
  std::shared_ptr<const Program> last;  // a harmless command, if nothing ran since
  bool alive = true;
  bool operator==(const State&) const = default;

  std::size_t size() const;  // bytes, about
};

// `into` becomes what holds of both. `place`: where they meet.
void join(State& into, State&& other, const std::string& place);

bool same_program(const Program* a, const Program* b);

}  // namespace gpuinit::image::shell
