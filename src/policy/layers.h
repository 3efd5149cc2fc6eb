// Puts layers of policy text over the built-in policy, key by key.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "policy/keys.h"
#include "policy/load_policy.h"

namespace gpuinit::policy {

class Layers {
 public:
  // Starts with the built-in policy.
  Layers(std::span<const CheckInfo> checks, Problems problems);

  // The text of a policy file; `name` is for messages and origins.
  Status add_file(const std::string& name, std::string_view text);

  // One KEY=VALUE; `origin` is "--set" or "GPUINIT_SET". The value is TOML, or
  // text without quotes where the key takes text or a word.
  Status add_setting(std::string_view setting, const std::string& origin);

  LoadedPolicy loaded() const;

 private:
  const Key* key_of(std::string_view name);
  Status put(const Key& key, const Value& value, std::string origin);

  // Why an entry of a file is not a key. Points at the first name that is wrong.
  Error not_a_key(const std::string& file, const TomlEntry& entry) const;

  KeyTable table_;
  Problems problems_;
  Policy policy_;
  std::size_t fixed_;                 // keys that every policy has
  std::vector<std::string> origins_;  // as table_.keys()
};

// The settings of GPUINIT_SET: between ';', without blanks around and without
// empty ones. A ';' inside a value that begins with a quote does not separate.
std::vector<std::string> split_settings(std::string_view text);

}  // namespace gpuinit::policy
