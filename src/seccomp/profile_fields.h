// Members of a profile's JSON in the forms that it has; every error names the place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "gpuinit/result.h"
#include "seccomp/filter.h"

namespace gpuinit::seccomp {

// "`text`", printable and shortened.
std::string quoted(std::string_view text);

Error wrong(const std::string& place, const std::string& message);
Error wrong_type(const std::string& place, const char* expected, const base::Json& found);

// Null if the member is absent; null in JSON counts as absent, as it does for engines.
const base::Json* member(const base::Json& object, std::string_view key);

// An object with no other keys than these: a misspelt one would be a rule that is not there.
Status check_keys(const base::Json& object, const std::string& place,
                  const std::vector<std::string>& known);

// `place` ends with a dot, or is empty. What is absent is empty, `absent`, EPERM.
Result<std::vector<std::string>> strings(const base::Json& object, const char* key,
                                         const std::string& place);
Result<std::uint64_t> number(const base::Json& object, const char* key, const std::string& place,
                             std::uint64_t absent, std::uint64_t largest = UINT64_MAX);
// By number, or by a name in the form of podman's profiles, which wins there.
Result<int> error_number(const base::Json& object, const char* number_key, const char* name_key,
                         const std::string& place);
Result<Action> action_member(const base::Json& object, const char* key, const std::string& place);

}  // namespace gpuinit::seccomp
