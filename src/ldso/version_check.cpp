#include "ldso/version_check.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace gpuinit::ldso {

namespace {

// "GLIBCXX_" of "GLIBCXX_3.4.32"; the whole name if it has no such head.
std::string_view family_of(std::string_view version) {
  return version.substr(0, std::min(version.find('_'), version.size() - 1) + 1);
}

// 3, 4, 32 of "GLIBCXX_3.4.32"; none of "GLIBC_PRIVATE".
std::vector<std::uint64_t> numbers_of(std::string_view version) {
  std::vector<std::uint64_t> numbers;
  for (const auto part : base::split(version.substr(family_of(version).size()), '.')) {
    const auto number = base::parse_number(part);
    if (!number) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

std::string highest_like(const std::vector<elf::VersionDefinition>& definitions,
                         std::string_view version) {
  std::string highest;
  std::vector<std::uint64_t> of_highest;
  for (const elf::VersionDefinition& definition : definitions) {
    if (definition.base || definition.name.empty() ||
        family_of(definition.name) != family_of(version))
      continue;
    auto numbers = numbers_of(definition.name);
    if (numbers <= of_highest) continue;
    highest = definition.name;
    of_highest = std::move(numbers);
  }
  return highest;
}

class Check {
 public:
  explicit Check(const LoaderClosure& closure)
      : closure_(closure), providers_(closure.objects().size()) {}

  VersionCheck run() {
    for (std::size_t object = 0; object < closure_.objects().size(); ++object) {
      auto needs = closure_.objects()[object].elf.needed_versions();
      if (!needs) {
        result_.problems.push_back(needs.error().message);
        continue;
      }
      for (const elf::VersionNeed& need : *needs) look(object, need);
    }
    return std::move(result_);
  }

 private:
  struct Provider {
    bool readable = false;
    std::optional<std::vector<elf::VersionDefinition>> versions;
  };

  void look(std::size_t object, const elf::VersionNeed& need) {
    const std::size_t at = closure_.answering_to(need.file);
    if (at == LoaderClosure::kMissing) return;
    const Provider& provider = provider_at(at);
    if (!provider.readable) return;
    if (!provider.versions) {
      result_.unversioned.push_back({object, at});
      return;
    }
    for (const auto& version : need.versions) {
      const bool there =
          std::any_of(provider.versions->begin(), provider.versions->end(),
                      [&](const elf::VersionDefinition& one) { return one.name == version.name; });
      if (there || version.weak || version.name.empty()) continue;
      const LoadedObject& found = closure_.objects()[at];
      result_.missing.push_back(
          {object,
           at,
           {version.name, need.file, found.path, found.found_by, closure_.objects()[object].path,
            highest_like(*provider.versions, version.name)}});
    }
  }

  const Provider& provider_at(std::size_t object) {
    std::optional<Provider>& known = providers_[object];
    if (known) return *known;
    known.emplace();
    auto versions = closure_.objects()[object].elf.defined_versions();
    if (versions) {
      known->readable = true;
      known->versions = std::move(versions).value();
    } else {
      result_.problems.push_back(versions.error().message);
    }
    return *known;
  }

  const LoaderClosure& closure_;
  std::vector<std::optional<Provider>> providers_;
  VersionCheck result_;
};

}  // namespace

VersionCheck check_versions(const LoaderClosure& closure) { return Check(closure).run(); }

}  // namespace gpuinit::ldso
