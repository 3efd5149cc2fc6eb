// How the value of a key is written in TOML: one codec per kind of field.
#include <optional>

#include "base/signal_name.h"
#include "policy/catalogue.h"
#include "policy/enum_names.h"
#include "policy/key_values.h"

namespace gpuinit::policy {

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it for aggregates

constexpr std::string_view kForward = "forward";
constexpr std::string_view kIgnore = "ignore";

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

template <class T>
bool take(std::optional<T> value, T& into) {
  if (value) into = *std::move(value);
  return value.has_value();
}

// What is wrong with the text beyond "expected …"; nothing if it may stay.
struct TextProblem {
  bool wrong = false;
  std::string detail;
};

TextProblem text_problem(TextRule rule, const std::string& text, const Problem& problem) {
  if (!is_clean_text(text))
    return {true, "a control character, invalid UTF-8, or more than a path can hold"};
  switch (rule) {
    case TextRule::kProgram:
      return {text.find('/') != std::string::npos && !text.starts_with('/'), ""};
    case TextRule::kFile:
      return {!text.empty() && !text.starts_with('/'), ""};
    case TextRule::kPages:
      return {text != "auto" && text != "off" && !text.starts_with('/'), ""};
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
          [](Access<GpuRequired>) { return choice(kGpuRequired); },
          [](Access<LaunchMode>) { return choice(kLaunchModes); },
          [](Access<SignalTarget>) { return choice(kSignalTargets); },
          [](Access<PythonProbe>) { return choice(kPythonProbes); },
          [](Access<ProbeSandbox>) { return choice(kProbeSandboxes); },
          [](Access<SeccompBase>) { return choice(kSeccompBases); },
          [](WaitReasons) { return "a list of " + choice(kWaitReasons); },
          [](Bytes) { return std::string("a number of bytes, or a text such as \"512MiB\""); },
          [](Access<bool>) { return std::string("true or false"); },
          [](const SignalAction&) {
            return std::string("a signal such as \"SIGINT\", \"ignore\" or \"forward\"");
          },
          [](const SignalName&) { return std::string("a signal such as \"SIGTERM\", or \"\""); },
          [](ExitCodes) {
            return "a list of exit codes from 1 to " + std::to_string(kMaxExitCode) +
                   ", such as [143]";
          },
          [](const Texts& list) -> std::string {
            switch (list.rule) {
              case ListRule::kGlobs:
                return "a list of patterns below site-packages, such as [\"torchvision/*\"]";
              case ListRule::kModules:
                return "a list of Python modules, such as [\"torchvision\"]";
              case ListRule::kSystemCalls:
                return "a list of system calls, such as [\"ptrace\"]";
            }
            return {};
          },
          [](Seconds) {
            return "a number of seconds from 0.001 to " + std::to_string(kMaxSeconds.count());
          },
          [](const SecondsOrNone&) {
            return "a number of seconds from 0 to " + std::to_string(kMaxSeconds.count());
          },
          [](const Text& text) -> std::string {
            switch (text.rule) {
              case TextRule::kProgram:
                return "a program's name or absolute path as text, or \"\"";
              case TextRule::kFile:
                return "an absolute path as text, or \"\"";
              case TextRule::kPages:
                return "\"auto\", \"off\" or an absolute path as text";
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
  return std::holds_alternative<Text>(key.field) || std::holds_alternative<Texts>(key.field) ||
         std::holds_alternative<WaitReasons>(key.field) || std::holds_alternative<Bytes>(key.field);
}

Value get(const Key& key, const Policy& given) {
  auto& policy = const_cast<Policy&>(given);
  return std::visit(
      Overloaded{
          [&](const CheckLevel& check) {
            const auto found = policy.checks.find(std::string(check.id));
            return word_of(kLevels, found == policy.checks.end() ? Level::kFail : found->second);
          },
          [&](Access<GpuRequired> field) { return word_of(kGpuRequired, field(policy)); },
          [&](Access<LaunchMode> field) { return word_of(kLaunchModes, field(policy)); },
          [&](Access<SignalTarget> field) { return word_of(kSignalTargets, field(policy)); },
          [&](Access<PythonProbe> field) { return word_of(kPythonProbes, field(policy)); },
          [&](Access<ProbeSandbox> field) { return word_of(kProbeSandboxes, field(policy)); },
          [&](Access<SeccompBase> field) { return word_of(kSeccompBases, field(policy)); },
          [&](Access<bool> field) { return Value{field(policy)}; },
          [&](const SignalAction& action) {
            const auto found = policy.launch.signals.find(action.signal);
            if (found == policy.launch.signals.end()) return Value{std::string(kForward)};
            if (found->second == 0) return Value{std::string(kIgnore)};
            return Value{base::signal_name(found->second)};
          },
          [&](const SignalName& name) {
            const int signal = name.field(policy);
            return Value{signal == 0 ? std::string() : base::signal_name(signal)};
          },
          [&](ExitCodes field) {
            return Value{Value::Integers((field(policy)).begin(), (field(policy)).end())};
          },
          [&](const Texts& list) { return texts_value(list.field(policy)); },
          [&](WaitReasons field) {
            std::vector<std::string> words;
            for (const WaitFor reason : field(policy))
              words.push_back(std::get<std::string>(word_of(kWaitReasons, reason).data));
            return texts_value(std::move(words));
          },
          [&](Seconds field) { return seconds_value(field(policy)); },
          [&](const SecondsOrNone& time) { return seconds_value(time.field(policy)); },
          [&](Bytes field) { return bytes_value(field(policy)); },
          [&](const Text& text) { return Value{text.field(policy)}; },
      },
      key.field);
}

Status set(const Key& key, const Value& value, const Problems& problems, Policy& policy) {
  std::string detail;
  const bool taken = std::visit(
      Overloaded{
          [&](const CheckLevel& check) {
            const auto* level = value_of(kLevels, value);
            if (level != nullptr) policy.checks[std::string(check.id)] = *level;
            return level != nullptr;
          },
          [&](Access<GpuRequired> field) { return set_word(kGpuRequired, value, field(policy)); },
          [&](Access<LaunchMode> field) { return set_word(kLaunchModes, value, field(policy)); },
          [&](Access<SignalTarget> field) {
            return set_word(kSignalTargets, value, field(policy));
          },
          [&](Access<PythonProbe> field) { return set_word(kPythonProbes, value, field(policy)); },
          [&](Access<ProbeSandbox> field) {
            return set_word(kProbeSandboxes, value, field(policy));
          },
          [&](Access<SeccompBase> field) { return set_word(kSeccompBases, value, field(policy)); },
          [&](const SignalAction& action) {
            return set_action(action.signal, value, policy.launch.signals);
          },
          [&](const SignalName& name) {
            const auto signal = is_text(value, "") ? std::optional<int>(0) : signal_of(value);
            if (signal) name.field(policy) = *signal;
            return signal.has_value();
          },
          [&](ExitCodes field) { return take(exit_codes(value), field(policy)); },
          [&](const Texts& list) {
            const auto given = texts(value, list.rule);
            if (given && list.rule == ListRule::kSystemCalls && problems.system_call)
              for (const std::string& call : *given)
                if (detail.empty()) detail = problems.system_call(call);
            return detail.empty() && take(given, list.field(policy));
          },
          [&](WaitReasons field) { return take(wait_reasons(value), field(policy)); },
          [&](Access<bool> field) {
            const auto* boolean = std::get_if<bool>(&value.data);
            if (boolean != nullptr) field(policy) = *boolean;
            return boolean != nullptr;
          },
          [&](Seconds field) { return take(milliseconds(value), field(policy)); },
          [&](const SecondsOrNone& time) {
            return take(milliseconds(value, /*or_none=*/true), time.field(policy));
          },
          [&](Bytes field) { return take(bytes(value), field(policy)); },
          [&](const Text& text) {
            const auto* given = std::get_if<std::string>(&value.data);
            if (given == nullptr) {
              // TOML reads 3.10 as the number 3.1.
              detail = std::holds_alternative<Value::Other>(value.data) ? "" : "write it in quotes";
              return false;
            }
            auto problem = text_problem(text.rule, *given, problems.version_range);
            detail = std::move(problem.detail);
            if (!problem.wrong) text.field(policy) = *given;
            return !problem.wrong;
          },
      },
      key.field);
  if (taken) return Done{};
  return Error{"expected " + expectation(key) + ", found " + describe(value) +
               (detail.empty() ? "" : " (" + detail + ")")};
}

}  // namespace gpuinit::policy
