// What `gpuinit --explain` prints of the policy's keys and of one exit code.
//
// Plain text that ends with a newline, broken before `width` columns (see layout.h), and the same
// as JSON for --format json.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "gpuinit/check_info.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::report {

struct PolicyKey {
  std::string name;   // "gpu.count"
  std::string takes;  // in words
  base::Json built_in;
  std::string built_in_text;  // as TOML
  std::string meaning;
};

// With where values come from.
std::string explain_keys(std::span<const PolicyKey> keys, std::size_t width);
std::string explain_key(const PolicyKey& key, std::size_t width);
base::JsonObject explain_keys_json(std::span<const PolicyKey> keys);  // {"keys":[…]}

// `code`: the one that was asked for, 137 too, whose row is 128+n. `checks`: all there are; those
// that can end with it are named.
std::string explain_exit_code(int code, const ExitCodeInfo& info, std::span<const CheckInfo> checks,
                              std::size_t width);
base::JsonObject explain_exit_code_json(int code, const ExitCodeInfo& info,
                                        std::span<const CheckInfo> checks);

}  // namespace gpuinit::report
