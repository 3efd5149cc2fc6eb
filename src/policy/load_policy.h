// The policy in force: built-in values, then files, then environment, then
// command line, each over the one before, and where every value came from.
//
// Whatever is not understood is refused; nothing is ever ignored, and no file that
// exists is passed over, because a policy must not get weaker silently.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "gpuinit/check_info.h"
#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "policy/codecs.h"

namespace gpuinit::policy {

struct PolicySources {
  std::span<const CheckInfo> checks;  // the keys and the built-in levels of [checks]
  Problems problems;

  // A file that stands alone: with it neither the default file nor the default
  // directory is read. Relative to the working directory. Empty: the defaults.
  std::string file;
  // "--policy" or "GPUINIT_POLICY", for messages about `file`.
  std::string file_named_by;

  // Each may be absent, but not unreadable. Of the directory every *.toml is
  // read, in byte order, without hidden files.
  std::string default_file = "/etc/gpuinit/policy.toml";
  std::string default_directory = "/etc/gpuinit/policy.d";

  std::string environment_set;           // GPUINIT_SET: KEY=VALUE;KEY=VALUE
  std::vector<std::string> set_options;  // --set KEY=VALUE, in order
};

struct KeyOrigin {
  std::string key;  // "probe.timeout"
  Value value;
  std::string origin;  // "built in", "/etc/gpuinit/policy.toml:3", "GPUINIT_SET", "--set"
};

struct LoadedPolicy {
  Policy policy;
  // Every key there is, in the order of Policy's members; of [launch.signals] only
  // those that were set.
  std::vector<KeyOrigin> keys;
};

// The error names the place (file:line:column, or the setting), the offending
// text, what is expected and the nearest key.
Result<LoadedPolicy> load_policy(const PolicySources& sources);

// A policy file that gives the same policy; each value with its origin beside it.
std::string print_policy(const LoadedPolicy& loaded);

// {"schema":1,"policy":[{"key","value","origin"}]}, values as JSON.
base::Json policy_json(const LoadedPolicy& loaded);

}  // namespace gpuinit::policy
