// Every key of a policy, each described once: from this table come parsing, suggestions,
// --print-policy and the table in docs/policy.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/check_info.h"
#include "policy/codecs.h"

namespace gpuinit::policy {

// After the name of a check that there is not.
inline constexpr char kMayBeNewer[] = " (a newer gpuinit may have it)";

// A codec and the field of Policy that it is for, without their types. `name` is the key's.
struct Binding {
  const CodecInfo* codec;
  Value (*get)(std::string_view name, const Policy& policy);
  Status (*set)(std::string_view name, const Value& value, const Problems& problems,
                Policy& policy);
  // True if `wanted` asks for at least what `now` does. Null: the values have no order.
  bool (*keeps)(std::string_view name, const Policy& now, const Policy& wanted);
};

struct Key {
  std::string name;  // "probe.timeout"
  Binding binding;
  std::string_view meaning;        // one line, for people
  bool hidden_unless_set = false;  // [[accept]]; a signal, of sixty, that is forwarded as it comes
};

Value get(const Key& key, const Policy& policy);

// Puts the value into the policy. The error reads "expected …, found …" and leaves the policy
// as it was.
Status set(const Key& key, const Value& value, const Problems& problems, Policy& policy);

// False if none of its values asks for more than another.
bool has_order(const Key& key);

// True if the key in `wanted` asks for at least what it does in `now`. Where values have no order,
// only the same value does.
bool keeps(const Key& key, const Policy& now, const Policy& wanted);

// What the key takes, after "expected": `"fail", "warn" or "off"`.
std::string expectation(const Key& key);

// A signal may be named otherwise: "launch.signals.15" → "launch.signals.SIGTERM".
std::string canonical_name(std::string name);

class KeyTable {
 public:
  // [checks] has a key for each of `checks`, [launch.signals] one for each signal.
  explicit KeyTable(std::span<const CheckInfo> checks);

  // In the order of Policy's members.
  const std::vector<Key>& keys() const { return keys_; }

  // The defaults of include/gpuinit/policy.h, with every check at its built-in level.
  const Policy& built_in() const { return built_in_; }

  // Makes a key of "expect.packages.NAME", of which there are as many as distributions (NAME is
  // normalised, PEP 503), behind all others. What find() has given before is no longer valid.
  void take_in(std::string_view name);

  // Null if no key has that name.
  const Key* find(std::string_view name) const;

  // True if keys live under that name: "gpu", "checks.python".
  bool is_table(std::string_view name) const;

  // "[gpu] has required, count". Requires: is_table(table).
  std::string keys_of(std::string_view table) const;

  // "did you mean `probe.timeout`?", or the keys that there are, for a name that is not a key.
  // Never empty.
  std::string suggestion(std::string_view unknown) const;

 private:
  std::vector<std::string> members(std::string_view table) const;
  std::string only_key_ending(std::string_view names) const;

  std::vector<Key> keys_;
  Policy built_in_;
};

}  // namespace gpuinit::policy
