// What `gpuinit --explain` prints: one check, the catalogue, the exit codes.
//
// Plain text that ends with a newline, broken before `width` columns (see layout.h), and the same
// as JSON for --format json.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/json.h"
#include "gpuinit/check_info.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::report {

std::string explain_check(const CheckInfo& check, std::size_t width);
std::string explain_catalogue(std::span<const CheckInfo> checks, std::size_t width);
std::string explain_exit_codes(std::size_t width);  // kExitCodes as one table

// "No retry helps: rebuild the image", "Retry: on another node".
std::string retry_words(const ExitCodeInfo& info);

base::JsonObject explain_check_json(const CheckInfo& check);
base::JsonObject explain_catalogue_json(std::span<const CheckInfo> checks);  // {"checks":[…]}
base::JsonObject explain_exit_codes_json();                                  // {"exit_codes":[…]}

}  // namespace gpuinit::report
