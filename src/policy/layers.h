// Puts layers of policy text over the built-in policy, key by key.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/keys.h"
#include "policy/load_policy.h"

namespace gpuinit::policy {

class Layers {
 public:
  // Starts with the built-in policy.
  Layers(Checks checks, Problems problems);

  // The text of a policy file; `name` is for messages and origins.
  // With kMayLock, what a file with `locked = true` says, and what lies below it, can only be
  // made stricter from there on; of another file `locked` is an error.
  // The error has a line for each problem, in the order of the text; where `requires` is not met by
  // this gpuinit, that line alone.
  enum class Lock { kMayLock, kMayNot };
  Status add_file(const std::string& name, std::string_view text, Lock lock = Lock::kMayNot);

  // One KEY=VALUE; `origin` is "--set" or "GPUINIT_SET". The value is TOML, or
  // text without quotes where the key takes text or a word.
  Status add_setting(std::string_view setting, const std::string& origin);

  const LoadedPolicy& loaded() const& { return loaded_; }
  LoadedPolicy&& loaded() && { return std::move(loaded_); }

 private:
  // `name` becomes the key's: a signal may be named otherwise, as "15".
  const Key* key_of(std::string& name);
  static std::string name_of(std::string_view setting);
  const Key* key_within(std::string_view value) const;
  Status put(const Key& key, const Value& value, std::string origin);
  bool may_become(const Key& key, const Policy& wanted) const;

  // Why an entry of a file is not a key. Points at the first name that is wrong.
  std::string not_a_key(const std::string& file, const TomlEntry& entry) const;

  // Of one entry: the problem with its place; empty if there is none.
  std::string add_entry(const std::string& file, const TomlEntry& entry,
                        std::set<std::string>& seen);

  KeyTable table_;
  Problems problems_;
  LoadedPolicy loaded_;
  std::set<std::string> kept_;  // what the locked file names
};

// True if the text of a policy file says `locked = true`, whatever else is wrong with it.
bool is_locked(std::string_view text);

// The settings of GPUINIT_SET: between ';', without blanks around and without
// empty ones. A ';' inside a value that begins with a quote does not separate.
std::vector<std::string> split_settings(std::string_view text);

}  // namespace gpuinit::policy
