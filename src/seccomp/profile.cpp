#include "seccomp/profile.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/json_reader.h"
#include "base/text.h"
#include "seccomp/abis.h"
#include "seccomp/profile_enums.h"

namespace gpuinit::seccomp {

namespace {

using base::JsonReader;

// The kernel takes 4096 instructions, and every rule is at least one.
constexpr std::size_t kMaxRules = 4096;

std::string quoted_name(std::string_view text) { return base::in_backquotes(text, 60); }

// nullopt if it is absent; null in JSON counts as absent, as it does for engines.
std::optional<JsonReader> member(const JsonReader& in, const char* key) {
  auto found = in.member(key);
  if (found && found->json().is_null()) return std::nullopt;
  return found;
}

// Null, with the problem, if it is absent.
const std::string* required_string(const JsonReader& in, const char* key) {
  const auto found = member(in, key);
  if (!found) in.fail_at(key, "is missing");
  return found ? found->string() : nullptr;
}

std::vector<std::string> strings(const JsonReader& in, const char* key) {
  const auto found = member(in, key);
  return found ? found->strings() : std::vector<std::string>();
}

std::uint64_t number(const JsonReader& in, const char* key, std::uint64_t absent,
                     std::uint64_t largest = UINT64_MAX) {
  const auto found = member(in, key);
  const std::uint64_t value = found ? found->count().value_or(absent) : absent;
  if (value > largest)
    in.fail_at(key, std::to_string(value) + " is more than " + std::to_string(largest));
  return value;
}

// By number, or by a name in the form of podman's profiles, which wins there.
int error_number(const JsonReader& in, const char* number_key, const char* name_key) {
  const auto value = static_cast<int>(number(in, number_key, EPERM, kLargestErrno));
  const auto found = member(in, name_key);
  const std::string* name = found ? found->string() : nullptr;
  if (name == nullptr || name->empty()) return value;
  const auto named = errno_by_name(*name);
  if (!named) found->fail("there is no error " + quoted_name(*name));
  return named.value_or(value);
}

Action action(const JsonReader& in, const char* key) {
  const std::string* name = required_string(in, key);
  if (name == nullptr) return Action::kKillProcess;
  if (const auto known = action_by_name(*name)) return *known;
  const std::string_view why = why_not_supported(*name);
  in.fail_at(key, why.empty() ? "there is no action " + quoted_name(*name)
                              : *name + " is not supported: " + std::string(why));
  return Action::kKillProcess;
}

bool permits(Action action) { return action == Action::kAllow || action == Action::kLog; }

class Reader {
 public:
  explicit Reader(const TargetContext& here) : here_(here) {}

  void read(const JsonReader& root) {
    for (const char* key : {"listenerPath", "listenerMetadata"})
      if (const auto listener = member(root, key)) {
        const auto* text = listener->json().as_string();
        if (text == nullptr || !text->empty())
          listener->fail("is not supported: gpuinit hands no calls to a listener");
      }
    Filter& filter = profile_.filter;
    filter.otherwise = action(root, "defaultAction");
    filter.otherwise_error = error_number(root, "defaultErrnoRet", "defaultErrno");
    filter.enosys_for_newer_calls = !permits(filter.otherwise);
    read_flags(root);
    read_architectures(root);
    if (const auto calls = member(root, "syscalls"))
      calls->each([this](const JsonReader& entry) { read_entry(entry); });
  }

  Profile take() { return std::move(profile_); }

 private:
  void read_flags(const JsonReader& root) {
    const auto flags = member(root, "flags");
    if (!flags) return;
    flags->each([this](const JsonReader& item) {
      const std::string* flag = item.string();
      if (flag == nullptr) return;
      if (*flag == "SECCOMP_FILTER_FLAG_LOG") profile_.filter.log = true;
      // There is one thread, and the second is always set.
      else if (*flag != "SECCOMP_FILTER_FLAG_TSYNC" && *flag != "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
        item.fail(quoted_name(*flag) + " is not supported");
    });
  }

  // Without either list the machine's own ABI is the only one.
  void read_architectures(const JsonReader& root) {
    profile_.filter.abis = 1;
    cover(root, "architectures");
    const auto map = member(root, "archMap");
    const base::JsonArray* mappings = map ? map->array() : nullptr;
    if (mappings == nullptr) return;
    if (!mappings->empty() && !strings(root, "architectures").empty())
      map->fail("stands beside `architectures`; engines take one of them");
    map->each([this](const JsonReader& mapping) {
      mapping.refuse_other_members({"architecture", "subArchitectures"});
      const std::string* own = required_string(mapping, "architecture");
      if (own != nullptr && *own == kOwnArchitecture) cover(mapping, "subArchitectures");
      else strings(mapping, "subArchitectures");  // of the right type for any machine
    });
  }

  void cover(const JsonReader& in, const char* key) {
    const auto names = member(in, key);
    if (!names) return;
    names->each([this](const JsonReader& item) {
      const std::string* name = item.string();
      if (name != nullptr && !name->starts_with("SCMP_ARCH_"))
        item.fail("there is no architecture " + quoted_name(*name));
      for (std::size_t abi = 0; name != nullptr && abi < kAbis.size(); ++abi)
        if (kAbis[abi].profile_name == *name) profile_.filter.abis |= 1U << abi;
    });
  }

  void read_entry(const JsonReader& entry) {
    entry.refuse_other_members({"names", "name", "action", "errnoRet", "errno", "args", "comment",
                                "includes", "excludes"});
    const auto names = read_names(entry);
    Rule rule;
    rule.action = action(entry, "action");
    rule.error = error_number(entry, "errnoRet", "errno");
    std::vector<Test> tests;
    if (const auto list = member(entry, "args"))
      list->each([&](const JsonReader& item) { tests.push_back(read_test(item)); });
    // Both are read even if the first decides: what is wrong must not depend on the machine.
    const bool included = holds(entry, "includes", /*all=*/true);
    const bool excluded = holds(entry, "excludes", /*all=*/false);
    if (!included || excluded || entry.failed()) return;
    for (std::size_t i = 0; i < names.size() && !entry.failed(); ++i) {
      rule.call = names[i];
      if (is_call_name(rule.call)) add(rule, tests, entry);
      else if (permits(rule.action))
        profile_.unknown_names.push_back(base::printable(rule.call, 60));
      else entry.fail_at("names[" + std::to_string(i) + "]", no_such_call(rule.call));
    }
  }

  std::vector<std::string> read_names(const JsonReader& entry) {
    auto names = strings(entry, "names");
    const auto found = member(entry, "name");
    const std::string* name = found ? found->string() : nullptr;
    if (name == nullptr || name->empty()) return names;
    if (!names.empty()) entry.fail("has both `name` and `names`");
    return {*name};
  }

  Test read_test(const JsonReader& in) {
    in.refuse_other_members({"index", "value", "valueTwo", "op"});
    Test test;
    test.argument = static_cast<unsigned>(number(in, "index", 0, 5));
    test.value = number(in, "value", 0);
    const std::uint64_t second = number(in, "valueTwo", 0);
    const std::string* op = required_string(in, "op");
    if (op == nullptr) return test;
    const auto is = comparison_by_name(*op);
    if (!is) in.fail_at("op", "there is no comparison " + quoted_name(*op));
    test.is = is.value_or(test.is);
    if (test.is == Test::Is::kMaskedEqual) test.mask = std::exchange(test.value, second);
    return test;
  }

  // Whether what includes or excludes ask for is the case here: all of it, or any.
  bool holds(const JsonReader& entry, const char* key, bool all) {
    const auto asked = member(entry, key);
    if (!asked) return all;
    asked->refuse_other_members({"caps", "arches", "minKernel"});
    std::vector<bool> answers;
    for (const std::string& name : strings(*asked, "caps")) {
      const auto capability = capability_number(name);
      if (!capability) asked->fail_at("caps", "there is no capability " + quoted_name(name));
      answers.push_back(capability && here_.has_capability(*capability));
    }
    const auto machines = strings(*asked, "arches");
    if (!machines.empty())
      answers.push_back(std::ranges::find(machines, kOwnMachine) != machines.end());
    if (const auto kernel = member(*asked, "minKernel")) {
      const auto* text = kernel->json().as_string();
      const auto version = text != nullptr ? kernel_version(*text) : std::nullopt;
      if (!version) kernel->expected("a version such as \"4.8\"");
      answers.push_back(version && here_.kernel_is_at_least(version->first, version->second));
    }
    return all ? std::ranges::find(answers, false) == answers.end()
               : std::ranges::find(answers, true) != answers.end();
  }

  // Several tests of one argument are alternatives for runc: a rule each.
  void add(Rule& rule, const std::vector<Test>& tests, const JsonReader& entry) {
    std::set<unsigned> arguments;
    for (const Test& test : tests) arguments.insert(test.argument);
    std::vector<std::vector<Test>> alternatives;
    if (arguments.size() == tests.size()) alternatives.push_back(tests);
    else
      for (const Test& test : tests) alternatives.push_back({test});
    for (const auto& alternative : alternatives) {
      if (profile_.filter.rules.size() == kMaxRules)
        return entry.fail("more than " + std::to_string(kMaxRules) + " rules");
      rule.tests = alternative;
      profile_.filter.rules.push_back(rule);
    }
  }

  const TargetContext& here_;
  Profile profile_;
};

}  // namespace

Result<Profile> parse_profile(std::string_view text, const TargetContext& here) {
  auto json = base::parse_json(text);
  // The parser repeats what it read, whatever that was.
  if (!json) return Error{base::printable(json.error().message)};
  std::optional<Error> problem;
  JsonReader(*json, "the profile", problem)
      .refuse_other_members({"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures",
                             "archMap", "flags", "listenerPath", "listenerMetadata", "syscalls",
                             "comment", "$schema"});
  Reader reader(here);
  if (!problem) reader.read(JsonReader(*json, "", problem));
  if (problem) return std::move(*problem);
  return reader.take();
}

}  // namespace gpuinit::seccomp
