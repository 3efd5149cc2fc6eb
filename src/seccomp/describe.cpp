// A filter in words, for --print-policy.
#include <cstring>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "seccomp/abis.h"
#include "seccomp/filter.h"

namespace gpuinit::seccomp {

namespace {

constexpr std::size_t kColumns = 98;  // two are left for "# "

std::string hexadecimal(std::uint64_t value) {
  if (value < 10) return std::to_string(value);
  std::string digits;
  for (; value != 0; value /= 16) digits.insert(digits.begin(), "0123456789abcdef"[value % 16]);
  return "0x" + digits;
}

std::string action_word(Action action, int error) {
  switch (action) {
    case Action::kAllow:
      return "allowed";
    case Action::kError: {
      const char* name = ::strerrorname_np(error);
      return name != nullptr ? name : "error " + std::to_string(error);
    }
    case Action::kNotify:
      return "a listener decides";
    case Action::kLog:
      return "allowed and logged";
    case Action::kTrap:
      return "SIGSYS";
    case Action::kKillThread:
      return "kills the thread";
    case Action::kKillProcess:
      return "kills the process";
  }
  return "";
}

std::string test_text(const Test& test) {
  const std::string argument = "argument " + std::to_string(test.argument + 1);
  if (test.is == Test::Is::kMaskedEqual)
    return argument + " & " + hexadecimal(test.mask) + " == " + hexadecimal(test.value);
  constexpr const char* kSigns[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
  return argument + kSigns[static_cast<int>(test.is)] + hexadecimal(test.value);
}

std::vector<std::string> test_texts(const Rule& rule) {
  std::vector<std::string> texts;
  for (const Test& test : rule.tests) texts.push_back(test_text(test));
  return texts;
}

struct Group {
  std::string action;
  std::vector<std::string> tests;
  std::set<std::string> calls;
};

// In the order of the rules.
std::vector<Group> groups(const Filter& filter) {
  std::vector<Group> result;
  for (const Rule& rule : filter.rules) {
    const std::string action = action_word(rule.action, rule.error);
    const auto tests = test_texts(rule);
    Group* group = nullptr;
    for (Group& known : result)
      if (known.action == action && known.tests == tests) group = &known;
    if (group == nullptr) group = &result.emplace_back(Group{action, tests, {}});
    group->calls.insert(base::printable(rule.call));
  }
  return result;
}

std::vector<std::string> covered_abis(const Filter& filter) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kAbis.size(); ++i)
    if (((filter.abis >> i) & 1U) != 0) names.emplace_back(kAbis[i].name);
  return names;
}

// "first: a b c" in lines, those that follow indented.
std::string wrapped(std::string line, const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (line.size() + 1 + word.size() > kColumns) {
      text += line + "\n";
      line = " ";
    }
    line += " " + word;
  }
  return text + line + "\n";
}

}  // namespace

std::string describe(const Filter& filter) {
  std::string text = "for " + base::join_with(covered_abis(filter), ", ") +
                     ": what is not named is " +
                     action_word(filter.otherwise, filter.otherwise_error);
  if (filter.enosys_for_newer_calls) text += ", newer calls than these are ENOSYS";
  text += "\n";
  for (const Group& group : groups(filter)) {
    std::string first = group.action;
    if (!group.tests.empty()) first += " if " + base::join_with(group.tests, " and ");
    first += " (" + std::to_string(group.calls.size()) + "):";
    text += wrapped(std::move(first), group.calls);
  }
  return text;
}

base::Json filter_json(const Filter& filter) {
  const auto list = [](const auto& names) { return base::JsonArray(names.begin(), names.end()); };
  base::JsonArray rules;
  for (const Group& group : groups(filter)) {
    base::JsonObject rule{{"action", group.action}, {"calls", list(group.calls)}};
    if (!group.tests.empty()) rule.emplace_back("if", list(group.tests));
    rules.emplace_back(std::move(rule));
  }
  return base::JsonObject{{"abis", list(covered_abis(filter))},
                          {"otherwise", action_word(filter.otherwise, filter.otherwise_error)},
                          {"newer", filter.enosys_for_newer_calls
                                        ? "ENOSYS"
                                        : action_word(filter.otherwise, filter.otherwise_error)},
                          {"log", filter.log},
                          {"rules", std::move(rules)}};
}

}  // namespace gpuinit::seccomp
