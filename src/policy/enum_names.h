// The words that keys of a policy take, each table with the values that it stands for.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "gpuinit/policy.h"
#include "policy/value.h"

namespace gpuinit::policy {

template <class E>
struct Word {
  std::string_view text;
  E value;
};
inline constexpr std::array<Word<Level>, 3> kLevels{
    {{"fail", Level::kFail}, {"warn", Level::kWarn}, {"off", Level::kOff}}};
inline constexpr std::array<Word<GpuRequired>, 3> kGpuRequired{
    {{"auto", GpuRequired::kAuto}, {"yes", GpuRequired::kYes}, {"no", GpuRequired::kNo}}};

inline constexpr std::array<Word<LaunchMode>, 2> kLaunchModes{
    {{"exec", LaunchMode::kExec}, {"supervise", LaunchMode::kSupervise}}};
inline constexpr std::array<Word<SignalTarget>, 2> kSignalTargets{
    {{"process", SignalTarget::kProcess}, {"group", SignalTarget::kGroup}}};

inline constexpr std::array<Word<PythonProbe>, 3> kPythonProbes{
    {{"off", PythonProbe::kOff},
     {"environment", PythonProbe::kEnvironment},
     {"import", PythonProbe::kImport}}};
inline constexpr std::array<Word<ProbeSandbox>, 3> kProbeSandboxes{
    {{"required", ProbeSandbox::kRequired},
     {"best-effort", ProbeSandbox::kBestEffort},
     {"off", ProbeSandbox::kOff}}};
inline constexpr std::array<Word<SeccompBase>, 2> kSeccompBases{
    {{"none", SeccompBase::kNone}, {"docker-default", SeccompBase::kDockerDefault}}};
inline constexpr std::array<Word<WaitFor>, 3> kWaitReasons{
    {{"system-not-ready", WaitFor::kSystemNotReady},
     {"no-device", WaitFor::kNoDevice},
     {"busy", WaitFor::kBusy}}};

template <class E, std::size_t N>
std::string choice(const std::array<Word<E>, N>& words) {
  std::string text;
  for (std::size_t i = 0; i < N; ++i)
    text += (i == 0 ? "\"" : i + 1 == N ? " or \"" : ", \"") + std::string(words[i].text) + '"';
  return text;
}

template <class E, std::size_t N>
Value word_of(const std::array<Word<E>, N>& words, E value) {
  for (const auto& word : words)
    if (word.value == value) return {std::string(word.text)};
  return {Value::Other{"an unnamed value"}};
}

template <class E, std::size_t N>
const E* value_of(const std::array<Word<E>, N>& words, const Value& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  for (const auto& word : words)
    if (text != nullptr && word.text == *text) return &word.value;
  return nullptr;
}

template <class E, std::size_t N>
bool set_word(const std::array<Word<E>, N>& words, const Value& value, E& into) {
  const auto* word = value_of(words, value);
  if (word != nullptr) into = *word;
  return word != nullptr;
}

}  // namespace gpuinit::policy
