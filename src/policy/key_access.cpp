// How the value of a key is written in TOML: one codec per kind of field.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/signal_name.h"
#include "policy/catalogue.h"

namespace gpuinit::policy {

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it for aggregates

template <class E>
struct Word {
  std::string_view text;
  E value;
};
constexpr std::array<Word<Level>, 3> kLevels{
    {{"fail", Level::kFail}, {"warn", Level::kWarn}, {"off", Level::kOff}}};
constexpr std::array<Word<GpuRequired>, 3> kGpuRequired{
    {{"auto", GpuRequired::kAuto}, {"yes", GpuRequired::kYes}, {"no", GpuRequired::kNo}}};

constexpr std::array<Word<LaunchMode>, 2> kLaunchModes{
    {{"exec", LaunchMode::kExec}, {"supervise", LaunchMode::kSupervise}}};
constexpr std::array<Word<SignalTarget>, 2> kSignalTargets{
    {{"process", SignalTarget::kProcess}, {"group", SignalTarget::kGroup}}};

constexpr std::string_view kForward = "forward";
constexpr std::string_view kIgnore = "ignore";
constexpr std::int64_t kMaxExitCode = 255;

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

// Milliseconds, or nothing if it is no number from 0.001 to kMaxSeconds.
std::optional<std::chrono::milliseconds> milliseconds(const Value& value) {
  double seconds = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value.data))
    seconds = static_cast<double>(*integer);
  else if (const auto* number = std::get_if<double>(&value.data)) seconds = *number;
  // The comparison is written so that NaN fails it.
  if (!(seconds >= 0.001 && seconds <= static_cast<double>(kMaxSeconds.count()))) return {};
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

template <class E, std::size_t N>
bool set_word(const std::array<Word<E>, N>& words, const Value& value, E& into) {
  const auto* word = value_of(words, value);
  if (word != nullptr) into = *word;
  return word != nullptr;
}

// A signal's name or number.
std::optional<int> signal_of(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value.data))
    return base::signal_number(std::to_string(*number));
  const auto* text = std::get_if<std::string>(&value.data);
  return text != nullptr ? base::signal_number(*text) : std::nullopt;
}

bool is_text(const Value& value, std::string_view text) {
  const auto* given = std::get_if<std::string>(&value.data);
  return given != nullptr && *given == text;
}

bool set_action(int signal, const Value& value, std::map<int, int>& actions) {
  const auto sent = is_text(value, kIgnore)    ? std::optional<int>(0)
                    : is_text(value, kForward) ? std::optional<int>(signal)
                                               : signal_of(value);
  if (!sent) return false;
  actions.erase(signal);
  if (*sent != signal) actions.emplace(signal, *sent);
  return true;
}

// One number counts as a list of one.
std::optional<std::vector<int>> exit_codes(const Value& value) {
  Value::Integers integers;
  if (const auto* list = std::get_if<Value::Integers>(&value.data)) integers = *list;
  else if (const auto* one = std::get_if<std::int64_t>(&value.data)) integers.push_back(*one);
  else return std::nullopt;
  std::vector<int> codes;
  for (const auto integer : integers) {
    if (integer < 1 || integer > kMaxExitCode) return std::nullopt;
    codes.push_back(static_cast<int>(integer));
  }
  return codes;
}

// One text counts as a list of one.
std::optional<std::vector<std::string>> globs(const Value& value) {
  std::vector<std::string> list;
  if (const auto* texts = std::get_if<Value::Texts>(&value.data)) list = *texts;
  else if (const auto* one = std::get_if<std::string>(&value.data)) list.push_back(*one);
  else if (const auto* none = std::get_if<Value::Integers>(&value.data); !none || !none->empty())
    return std::nullopt;
  for (const std::string& glob : list)
    if (glob.empty() || glob.starts_with('/') || !is_clean_text(glob)) return std::nullopt;
  return list;
}

// What is wrong with the text beyond "expected …"; nothing if it may stay.
struct TextProblem {
  bool wrong = false;
  std::string detail;
};

TextProblem text_problem(TextRule rule, const std::string& text, const RangeProblem& problem) {
  if (!is_clean_text(text))
    return {true, "a control character, invalid UTF-8, or more than a path can hold"};
  switch (rule) {
    case TextRule::kProgram:
      return {text.find('/') != std::string::npos && !text.starts_with('/'), ""};
    case TextRule::kFile:
      return {!text.empty() && !text.starts_with('/'), ""};
    case TextRule::kCountRange:
      if (text.empty()) return {true, ""};
      break;
    case TextRule::kVersionRange:
      if (text.empty()) return {};
      break;
  }
  std::string detail = problem ? problem(text) : "";
  return {!detail.empty(), std::move(detail)};
}

}  // namespace

std::string expectation(const Key& key) {
  return std::visit(
      Overloaded{
          [](const CheckLevel&) { return choice(kLevels); },
          [](GpuRequired Policy::*) { return choice(kGpuRequired); },
          [](LaunchMode Policy::*) { return choice(kLaunchModes); },
          [](SignalTarget Policy::*) { return choice(kSignalTargets); },
          [](bool Policy::*) { return std::string("true or false"); },
          [](const SignalAction&) {
            return std::string("a signal such as \"SIGINT\", \"ignore\" or \"forward\"");
          },
          [](const SignalName&) { return std::string("a signal such as \"SIGTERM\", or \"\""); },
          [](ExitCodes) {
            return "a list of exit codes from 1 to " + std::to_string(kMaxExitCode) +
                   ", such as [143]";
          },
          [](Globs) {
            return std::string(
                "a list of patterns below site-packages, such as "
                "[\"torchvision/*\"]");
          },
          [](Seconds) {
            return "a number of seconds from 0.001 to " + std::to_string(kMaxSeconds.count());
          },
          [](const Text& text) -> std::string {
            switch (text.rule) {
              case TextRule::kProgram:
                return "a program's name or absolute path as text, or \"\"";
              case TextRule::kFile:
                return "an absolute path as text, or \"\"";
              case TextRule::kCountRange:
                return "a range as text, such as \">=1\" or \"4\"";
              case TextRule::kVersionRange:
                return "a version range as text, such as \">=3.10,<3.13\", \"2.8.*\" or \"\"";
            }
            return {};
          },
      },
      key.field);
}

bool takes_text(const Key& key) {
  return std::holds_alternative<Text>(key.field) || std::holds_alternative<Globs>(key.field);
}

Value get(const Key& key, const Policy& policy) {
  return std::visit(
      Overloaded{
          [&](const CheckLevel& check) {
            const auto found = policy.checks.find(std::string(check.id));
            return word_of(kLevels, found == policy.checks.end() ? Level::kFail : found->second);
          },
          [&](GpuRequired Policy::*field) { return word_of(kGpuRequired, policy.*field); },
          [&](LaunchMode Policy::*field) { return word_of(kLaunchModes, policy.*field); },
          [&](SignalTarget Policy::*field) { return word_of(kSignalTargets, policy.*field); },
          [&](bool Policy::*field) { return Value{policy.*field}; },
          [&](const SignalAction& action) {
            const auto found = policy.launch_signals.find(action.signal);
            if (found == policy.launch_signals.end()) return Value{std::string(kForward)};
            if (found->second == 0) return Value{std::string(kIgnore)};
            return Value{base::signal_name(found->second)};
          },
          [&](const SignalName& name) {
            const int signal = policy.*name.field;
            return Value{signal == 0 ? std::string() : base::signal_name(signal)};
          },
          [&](ExitCodes field) {
            return Value{Value::Integers((policy.*field).begin(), (policy.*field).end())};
          },
          [&](Globs field) {
            if ((policy.*field).empty()) return Value{Value::Integers{}};
            return Value{policy.*field};
          },
          [&](Seconds field) {
            const std::int64_t count = (policy.*field).count();
            if (count % 1000 == 0) return Value{count / 1000};
            return Value{static_cast<double>(count) / 1000};
          },
          [&](const Text& text) { return Value{policy.*text.field}; },
      },
      key.field);
}

Status set(const Key& key, const Value& value, const RangeProblem& range_problem, Policy& policy) {
  std::string detail;
  const bool taken = std::visit(
      Overloaded{
          [&](const CheckLevel& check) {
            const auto* level = value_of(kLevels, value);
            if (level != nullptr) policy.checks[std::string(check.id)] = *level;
            return level != nullptr;
          },
          [&](GpuRequired Policy::*field) { return set_word(kGpuRequired, value, policy.*field); },
          [&](LaunchMode Policy::*field) { return set_word(kLaunchModes, value, policy.*field); },
          [&](SignalTarget Policy::*field) {
            return set_word(kSignalTargets, value, policy.*field);
          },
          [&](const SignalAction& action) {
            return set_action(action.signal, value, policy.launch_signals);
          },
          [&](const SignalName& name) {
            const auto signal = is_text(value, "") ? std::optional<int>(0) : signal_of(value);
            if (signal) policy.*name.field = *signal;
            return signal.has_value();
          },
          [&](ExitCodes field) {
            auto codes = exit_codes(value);
            if (codes) policy.*field = *std::move(codes);
            return codes.has_value();
          },
          [&](Globs field) {
            auto list = globs(value);
            if (list) policy.*field = *std::move(list);
            return list.has_value();
          },
          [&](bool Policy::*field) {
            const auto* boolean = std::get_if<bool>(&value.data);
            if (boolean != nullptr) policy.*field = *boolean;
            return boolean != nullptr;
          },
          [&](Seconds field) {
            const auto time = milliseconds(value);
            if (time) policy.*field = *time;
            return time.has_value();
          },
          [&](const Text& text) {
            const auto* given = std::get_if<std::string>(&value.data);
            if (given == nullptr) {
              // TOML reads 3.10 as the number 3.1.
              detail = std::holds_alternative<Value::Other>(value.data) ? "" : "write it in quotes";
              return false;
            }
            auto problem = text_problem(text.rule, *given, range_problem);
            detail = std::move(problem.detail);
            if (!problem.wrong) policy.*text.field = *given;
            return !problem.wrong;
          },
      },
      key.field);
  if (taken) return Done{};
  return Error{"expected " + expectation(key) + ", found " + describe(value) +
               (detail.empty() ? "" : " (" + detail + ")")};
}

}  // namespace gpuinit::policy
