// The kinds of values that keys of a policy take, each with its way from and to TOML.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "policy/enum_names.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

inline constexpr int kMaxSeconds = 86'400;
inline constexpr int kMaxExitCode = 255;
inline constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 50;

// Says what is wrong with a text. Empty if nothing is.
using Problem = std::function<std::string(const std::string&)>;

// What other rooms know about texts. An empty function accepts any text.
struct Problems {
  Problem version_range;
  Problem system_call;
};

struct CodecInfo {
  std::string_view expected;         // after "expected" in messages: "true or false"
  bool takes_text = false;           // then 3.10 on a command line is the text 3.10
  std::string (*names)() = nullptr;  // follow that: the names of an enumeration's values
};

template <class T>
struct Codec : CodecInfo {
  // The error's message, which may be empty, adds to "expected …, found …".
  Result<T> (*parse)(const Value& value, const Problems& problems);
  Value (*print)(const T& field);  // as parse reads it
};

extern const Codec<bool> kBoolean;
extern const Codec<std::chrono::milliseconds> kSeconds;        // a number of seconds
extern const Codec<std::chrono::milliseconds> kSecondsOrZero;  // the same, or 0
extern const Codec<std::uint64_t> kBytes;         // a number, or a number and a unit: "4 GiB"
extern const Codec<std::uint64_t> kBytesOrZero;   // the same, or 0
extern const Codec<int> kSignal;                  // a name or a number; "" for 0
extern const Codec<std::vector<int>> kExitCodes;  // a list of whole numbers, or one

// What is sent in place of a signal. 0: nothing; nullopt: it is forwarded as it comes.
extern const Codec<std::optional<int>> kSignalAction;

// Texts are UTF-8 without control characters, and no longer than a path may be.
extern const Codec<std::string> kProgram;       // looked up on PATH, an absolute path, or empty
extern const Codec<std::string> kFilePath;      // an absolute path, or empty
extern const Codec<std::string> kCountRange;    // a range of whole numbers, not empty
extern const Codec<std::string> kVersionRange;  // a range of versions, or empty

// Lists of texts that are not empty, or one such text.
extern const Codec<std::vector<std::string>> kGlobs;  // on paths below site-packages
extern const Codec<std::vector<std::string>> kModules;
extern const Codec<std::vector<std::string>> kFrameworks;
extern const Codec<std::vector<std::string>> kSystemCalls;
extern const Codec<std::vector<std::string>> kGpuFeatureList;
extern const Codec<std::vector<std::string>> kGpuNames;  // as src/rules/device_name.h
extern const Codec<std::vector<WaitFor>> kWaitCauses;

extern const Codec<std::vector<Accept>> kAccepted;  // tables

// Refuses nullopt.
template <class T>
Result<T> parsed(std::optional<T> value) {
  return value ? Result<T>(*std::move(value)) : Error{};
}

// A name of the enumeration's table.
template <class E>
inline constexpr Codec<E> kChoice{
    {"", false, enum_choice<E>},
    [](const Value& value, const Problems&) {
      const std::string* text = value.as_string();
      return parsed(text != nullptr ? enum_value<E>(*text) : std::nullopt);
    },
    [](const E& field) -> Value { return enum_name(field); }};

}  // namespace gpuinit::policy
