// The policy in force: built-in values, then files, then environment, then
// command line, each over the one before, and where every value came from.
//
// Whatever is not understood is refused; nothing is ever ignored, and no file that
// exists is passed over, because a policy must not get weaker silently. Only GPUINIT=off has
// what is wrong left out, and that is said.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "gpuinit/check_info.h"
#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "policy/codecs.h"

namespace gpuinit::policy {

// The keys and the built-in levels of [checks]. A function, since not every start asks them.
using Checks = std::span<const CheckInfo> (*)();

struct PolicySources {
  Checks checks = [] { return std::span<const CheckInfo>(); };
  Problems problems;

  // Files that stand in place of the default file and the default directory, unless the default
  // file is locked; each lies over those before it. A path, which may be relative to the working
  // directory, or "builtin:NAME" (builtin_policies.h). Empty: the defaults.
  std::vector<std::string> files;
  // "--policy" or "GPUINIT_POLICY", for messages about `files`.
  std::string files_named_by;

  // Each may be absent, but not unreadable. Of the directory every *.toml is
  // read, in byte order, without hidden files.
  std::string default_file = "/etc/gpuinit/policy.toml";
  std::string default_directory = "/etc/gpuinit/policy.d";

  std::string environment_set;           // GPUINIT_SET: KEY=VALUE;KEY=VALUE
  std::vector<std::string> set_options;  // --set KEY=VALUE, in order

  // GPUINIT=off: no check, and no policy may stop the launch. A file or a setting that is wrong
  // is left out, all others hold. A locked policy does not heed it.
  bool off = false;
};

struct KeyOrigin {
  std::string key;  // "probe.timeout"
  Value value;
  std::string origin;  // "built in", "/etc/gpuinit/policy.toml:3", "GPUINIT_SET", "--set"
};

struct LoadedPolicy {
  // Every key there is, in the order of Policy's members; of [launch.signals] only those that
  // were set. Made when asked for: most starts have no use for it.
  std::vector<KeyOrigin> keys() const;
  // Of those with another value than the built-in one.
  std::vector<KeyOrigin> changed_keys() const;

  Policy policy;
  Checks checks = [] { return std::span<const CheckInfo>(); };
  // Of the keys that were set, by name.
  std::map<std::string, std::string> origins;

  std::string locked_by;             // the default file, if it says `locked = true`; else empty
  std::vector<std::string> refused;  // what would have weakened it: `gpu.count = "1" (--set)`

  bool checks_are_off = false;        // GPUINIT=off, and no lock
  std::vector<std::string> left_out;  // then: all that is wrong with what was left out
};

// What a locked policy refused, as one sentence. Empty if nothing.
std::string refusal(const LoadedPolicy& loaded);

// The error has a line for each problem of every layer, at most 20 and how many more. Each names
// the place (file:line:column, or the setting), the offending text, what is expected and the
// nearest key.
Result<LoadedPolicy> load_policy(const PolicySources& sources);

// Which keys are shown.
enum class Show { kAll, kChanged };  // changed: another value than the built-in one

// A policy file that gives the same policy; each value with its origin beside it.
std::string print_policy(const LoadedPolicy& loaded, Show show = Show::kAll);

// {"schema":1,"policy":[{"key","value","origin"}]}, values as JSON; before "policy" of a locked
// one "locked_by" and "refused".
base::Json policy_json(const LoadedPolicy& loaded, Show show = Show::kAll);

}  // namespace gpuinit::policy
