#include "seccomp/profile.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "seccomp/abis.h"
#include "seccomp/profile_enums.h"
#include "seccomp/profile_fields.h"

namespace gpuinit::seccomp {

namespace {

using base::Json;

// The kernel takes 4096 instructions, and every rule is at least one.
constexpr std::size_t kMaxRules = 4096;

class Reader {
 public:
  explicit Reader(const TargetContext& here) : here_(here) {}

  Result<Profile> read(const Json& root) {
    if (auto done = read_top(root); !done) return std::move(done).error();
    if (const Json* calls = member(root, "syscalls")) {
      if (calls->as_array() == nullptr) return wrong_type("syscalls", "an array", *calls);
      for (std::size_t i = 0; i < calls->as_array()->size(); ++i)
        if (auto done = read_entry((*calls->as_array())[i], "syscalls[" + std::to_string(i) + "]");
            !done)
          return std::move(done).error();
    }
    return std::move(profile_);
  }

 private:
  Status read_top(const Json& root) {
    if (auto done = check_keys(
            root, "the profile",
            {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap",
             "flags", "listenerPath", "listenerMetadata", "syscalls", "comment", "$schema"});
        !done)
      return done;
    for (const char* key : {"listenerPath", "listenerMetadata"})
      if (const Json* json = member(root, key);
          json != nullptr && (json->as_string() == nullptr || !json->as_string()->empty()))
        return wrong(key, "is not supported: gpuinit hands no calls to a listener");
    auto otherwise = action_member(root, "defaultAction", "");
    if (!otherwise) return std::move(otherwise).error();
    auto error = error_number(root, "defaultErrnoRet", "defaultErrno", "");
    if (!error) return std::move(error).error();
    Filter& filter = profile_.filter;
    filter.otherwise = *otherwise;
    filter.otherwise_error = *error;
    filter.enosys_for_newer_calls = *otherwise != Action::kAllow && *otherwise != Action::kLog;
    if (auto done = read_flags(root); !done) return done;
    return read_architectures(root);
  }

  Status read_flags(const Json& root) {
    auto flags = strings(root, "flags", "");
    if (!flags) return std::move(flags).error();
    for (std::size_t i = 0; i < flags->size(); ++i) {
      const std::string& flag = (*flags)[i];
      if (flag == "SECCOMP_FILTER_FLAG_LOG") profile_.filter.log = true;
      // There is one thread, and the second is always set.
      else if (flag != "SECCOMP_FILTER_FLAG_TSYNC" && flag != "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
        return wrong("flags[" + std::to_string(i) + "]", quoted(flag) + " is not supported");
    }
    return Done{};
  }

  // Without either list the machine's own ABI is the only one.
  Status read_architectures(const Json& root) {
    auto listed = strings(root, "architectures", "");
    if (!listed) return std::move(listed).error();
    const Json* map = member(root, "archMap");
    if (map != nullptr && map->as_array() == nullptr)
      return wrong_type("archMap", "an array", *map);
    if (map != nullptr && !map->as_array()->empty() && !listed->empty())
      return wrong("archMap", "stands beside `architectures`; engines take one of them");
    profile_.filter.abis = 1;
    if (auto done = cover(*listed, "architectures"); !done) return done;
    if (map == nullptr) return Done{};
    for (std::size_t i = 0; i < map->as_array()->size(); ++i)
      if (auto done = read_mapping((*map->as_array())[i], "archMap[" + std::to_string(i) + "]");
          !done)
        return done;
    return Done{};
  }

  Status read_mapping(const Json& json, const std::string& place) {
    if (auto done = check_keys(json, place, {"architecture", "subArchitectures"}); !done)
      return done;
    auto others = strings(json, "subArchitectures", place + ".");
    if (!others) return std::move(others).error();
    const Json* own = member(json, "architecture");
    if (own == nullptr || own->as_string() == nullptr)
      return wrong(place + ".architecture", "expected a string");
    if (*own->as_string() != kOwnArchitecture) return Done{};
    return cover(*others, place + ".subArchitectures");
  }

  Status cover(const std::vector<std::string>& architectures, const std::string& place) {
    for (std::size_t i = 0; i < architectures.size(); ++i) {
      const std::string& name = architectures[i];
      if (!name.starts_with("SCMP_ARCH_"))
        return wrong(place + "[" + std::to_string(i) + "]",
                     "there is no architecture " + quoted(name));
      for (std::size_t abi = 0; abi < kAbis.size(); ++abi)
        if (kAbis[abi].profile_name == name) profile_.filter.abis |= 1U << abi;
    }
    return Done{};
  }

  Status read_entry(const Json& json, const std::string& place) {
    if (auto done = check_keys(json, place,
                               {"names", "name", "action", "errnoRet", "errno", "args", "comment",
                                "includes", "excludes"});
        !done)
      return done;
    auto names = read_names(json, place);
    if (!names) return std::move(names).error();
    Rule rule;
    auto what = action_member(json, "action", place + ".");
    if (!what) return std::move(what).error();
    rule.action = *what;
    auto error = error_number(json, "errnoRet", "errno", place + ".");
    if (!error) return std::move(error).error();
    rule.error = *error;
    auto tests = read_tests(json, place);
    if (!tests) return std::move(tests).error();
    // Both are read even if the first decides: what is wrong must not depend on the machine.
    auto included = holds(json, "includes", place, /*all=*/true);
    if (!included) return std::move(included).error();
    auto excluded = holds(json, "excludes", place, /*all=*/false);
    if (!excluded) return std::move(excluded).error();
    if (!*included || *excluded) return Done{};
    return add(std::move(rule), *names, *tests, place);
  }

  Result<std::vector<std::string>> read_names(const Json& json, const std::string& place) {
    auto names = strings(json, "names", place + ".");
    if (!names) return names;
    const Json* name = member(json, "name");
    if (name == nullptr) return names;
    if (name->as_string() == nullptr) return wrong_type(place + ".name", "a string", *name);
    if (name->as_string()->empty()) return names;
    if (!names->empty()) return wrong(place, "has both `name` and `names`");
    return std::vector<std::string>{*name->as_string()};
  }

  Result<std::vector<Test>> read_tests(const Json& json, const std::string& place) {
    std::vector<Test> tests;
    const Json* list = member(json, "args");
    if (list == nullptr) return tests;
    if (list->as_array() == nullptr) return wrong_type(place + ".args", "an array", *list);
    for (const Json& item : *list->as_array()) {
      auto test = read_test(item, place + ".args[" + std::to_string(tests.size()) + "]");
      if (!test) return std::move(test).error();
      tests.push_back(*test);
    }
    return tests;
  }

  Result<Test> read_test(const Json& json, const std::string& place) {
    if (auto done = check_keys(json, place, {"index", "value", "valueTwo", "op"}); !done)
      return std::move(done).error();
    auto index = number(json, "index", place + ".", 0, 5);
    if (!index) return std::move(index).error();
    auto value = number(json, "value", place + ".", 0);
    if (!value) return std::move(value).error();
    auto second = number(json, "valueTwo", place + ".", 0);
    if (!second) return std::move(second).error();
    const Json* op = member(json, "op");
    if (op == nullptr || op->as_string() == nullptr)
      return wrong(place + ".op", "expected a string");
    const auto is = comparison_by_name(*op->as_string());
    if (!is) return wrong(place + ".op", "there is no comparison " + quoted(*op->as_string()));
    Test test{static_cast<unsigned>(*index), *is, *value, 0};
    if (*is == Test::Is::kMaskedEqual) {
      test.mask = *value;
      test.value = *second;
    }
    return test;
  }

  // Whether what includes or excludes ask for is the case here: all of it, or any.
  Result<bool> holds(const Json& json, const char* key, const std::string& entry, bool all) {
    const Json* asked = member(json, key);
    if (asked == nullptr) return all;
    const std::string place = entry + "." + key;
    if (auto done = check_keys(*asked, place, {"caps", "arches", "minKernel"}); !done)
      return std::move(done).error();
    std::vector<bool> answers;
    auto capabilities = strings(*asked, "caps", place + ".");
    if (!capabilities) return std::move(capabilities).error();
    for (const std::string& name : *capabilities) {
      const auto capability = capability_number(name);
      if (!capability) return wrong(place + ".caps", "there is no capability " + quoted(name));
      answers.push_back(here_.has_capability(*capability));
    }
    auto machines = strings(*asked, "arches", place + ".");
    if (!machines) return std::move(machines).error();
    if (!machines->empty())
      answers.push_back(std::find(machines->begin(), machines->end(), kOwnMachine) !=
                        machines->end());
    if (const Json* kernel = member(*asked, "minKernel")) {
      const auto version =
          kernel->as_string() != nullptr ? kernel_version(*kernel->as_string()) : std::nullopt;
      if (!version) return wrong(place + ".minKernel", "expected a version such as \"4.8\"");
      answers.push_back(here_.kernel_is_at_least(version->first, version->second));
    }
    return all ? std::find(answers.begin(), answers.end(), false) == answers.end()
               : std::find(answers.begin(), answers.end(), true) != answers.end();
  }

  Status add(Rule rule, const std::vector<std::string>& names, const std::vector<Test>& tests,
             const std::string& place) {
    const bool permits = rule.action == Action::kAllow || rule.action == Action::kLog;
    for (std::size_t i = 0; i < names.size(); ++i) {
      rule.call = names[i];
      if (!is_call_name(rule.call)) {
        if (permits) {
          profile_.unknown_names.push_back(base::printable(rule.call, 60));
          continue;
        }
        const std::string near = nearest_call_name(rule.call);
        return wrong(place + ".names[" + std::to_string(i) + "]",
                     "there is no system call " + quoted(rule.call) +
                         (near.empty() ? "" : "; did you mean `" + near + "`?"));
      }
      if (auto done = add_with(rule, tests, place); !done) return done;
    }
    return Done{};
  }

  // Several tests of one argument are alternatives for runc: a rule each.
  Status add_with(Rule& rule, const std::vector<Test>& tests, const std::string& place) {
    std::set<unsigned> arguments;
    for (const Test& test : tests) arguments.insert(test.argument);
    std::vector<std::vector<Test>> alternatives;
    if (arguments.size() == tests.size()) alternatives.push_back(tests);
    else
      for (const Test& test : tests) alternatives.push_back({test});
    for (const auto& alternative : alternatives) {
      if (profile_.filter.rules.size() == kMaxRules)
        return wrong(place, "more than " + std::to_string(kMaxRules) + " rules");
      rule.tests = alternative;
      profile_.filter.rules.push_back(rule);
    }
    return Done{};
  }

  const TargetContext& here_;
  Profile profile_;
};

}  // namespace

Result<Profile> parse_profile(std::string_view text, const TargetContext& here) {
  auto json = base::parse_json(text);
  // The parser repeats what it read, whatever that was.
  if (!json) return Error{base::printable(json.error().message)};
  return Reader(here).read(*json);
}

}  // namespace gpuinit::seccomp
