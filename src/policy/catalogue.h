// Every key of a policy, each described once: from this table come parsing,
// suggestions, --print-policy and the table in docs/policy.md.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "policy/value.h"

namespace gpuinit::policy {

// What a key's text may be. Every text is UTF-8 without control characters.
enum class TextRule {
  kProgram,       // a name looked up on PATH, an absolute path, or empty
  kFile,          // an absolute path, or empty
  kCountRange,    // a range of whole numbers, not empty
  kVersionRange,  // a range of versions, or empty
  kPages,         // "auto", "off", or an absolute path
};

template <class T>
using Access = T& (*)(Policy&);

// Where in Policy a key's value lives; with it goes how it is written in TOML.
struct CheckLevel {
  std::string_view id;  // "fail", "warn" or "off"
};
struct Text {
  Access<std::string> field;
  TextRule rule;
};
using Seconds = Access<std::chrono::milliseconds>;  // a number of seconds
struct SecondsOrNone {
  Access<std::chrono::milliseconds> field;  // a number of seconds, or 0
};
using Bytes = Access<std::uint64_t>;  // a number of bytes, or a text such as "512MiB"
struct SignalAction {
  int signal;  // a signal's name, "forward" or "ignore"
};
struct SignalName {
  Access<int> field;  // a signal's name, or "" for 0
};
using ExitCodes = Access<std::vector<int>>;  // a list of whole numbers
// What each text of a list may be; none is empty.
enum class ListRule {
  kGlobs,        // patterns on paths below site-packages
  kModules,      // dotted names of Python modules
  kSystemCalls,  // names of system calls
};
struct Texts {
  Access<std::vector<std::string>> field;
  ListRule rule;
};
using WaitReasons = Access<std::vector<WaitFor>>;  // a list of words
using Field = std::variant<CheckLevel, Text, Access<bool>, Access<GpuRequired>, Access<LaunchMode>,
                           Access<SignalTarget>, Access<PythonProbe>, Access<ProbeSandbox>,
                           Access<SeccompBase>, Seconds, SecondsOrNone, Bytes, SignalAction,
                           SignalName, ExitCodes, Texts, WaitReasons>;

struct Key {
  std::string name;  // "probe.timeout"
  Field field;
  std::string_view meaning;  // one line, for people
};

// In the order of Policy's members. [launch.signals] has a row for each signal.
const std::vector<Key>& catalogue();

// The key of that name, or null.
const Key* find_key(std::string_view name);

// True if the key need not be shown while nobody has set it: a signal that is
// forwarded, of sixty.
bool goes_without_saying(const Key& key);

// True if keys of the policy live under that name: "gpu", "checks.python".
bool is_table(std::string_view name);

// "[gpu] has required, count". Requires: is_table(table).
std::string keys_of(std::string_view table);

// "did you mean `probe.timeout`?", or the keys that there are, for a name that
// is none. Never empty.
std::string suggestion(std::string_view unknown);

// What the key takes, after "expected": `"fail", "warn" or "off"`.
std::string expectation(const Key& key);

// True if the key takes free text: then 3.10 on a command line is the text 3.10.
bool takes_text(const Key& key);

Value get(const Key& key, const Policy& policy);

// Says what is wrong with a text; empty if nothing is.
using Problem = std::function<std::string(const std::string&)>;

// What other rooms know about texts. An empty function takes any.
struct Problems {
  Problem version_range;
  Problem system_call;
};

// Puts the value into the policy. The error reads "expected …, found …" and
// leaves the policy as it was.
Status set(const Key& key, const Value& value, const Problems& problems, Policy& policy);

// The defaults of include/gpuinit/policy.h, with every check at "fail".
Policy built_in_policy();

inline constexpr std::chrono::seconds kMaxSeconds{86'400};

}  // namespace gpuinit::policy
