#include "image/start/pyenv.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "image/start/path_search.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxVersionFile = 64ULL * 1024;
constexpr int kMaxDepth = 256;  // directories above the working directory

struct Versions {
  std::vector<std::string> names;
  std::string set_by;
};

// One version a word; '#' begins a comment. Source: pyenv-version-file-read.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (auto line : base::split_lines(text)) {
    for (auto word : base::split_words(line)) {
      if (word.starts_with("#")) break;
      // A name that would lead out of versions/ is ignored.
      if (word.starts_with("/") || word == ".." || word.find("../") != std::string_view::npos)
        continue;
      words.emplace_back(word);
    }
  }
  return words;
}

Versions chosen_versions(const base::RootFs& fs, const std::string& pyenv_root,
                         const base::Environment& environment,
                         const std::string& working_directory) {
  if (const std::string set = base::variable(environment, "PYENV_VERSION"); !set.empty()) {
    Versions versions{{}, "PYENV_VERSION"};
    for (auto name : base::split(set, ':')) versions.names.emplace_back(name);
    return versions;
  }
  const std::string start = base::variable(environment, "PYENV_DIR");
  for (const std::string& from : {start, working_directory}) {
    if (from.empty()) continue;
    std::string directory = base::join(working_directory, from);
    for (int depth = 0; depth < kMaxDepth; ++depth) {
      const std::string file = base::join(directory, ".python-version");
      if (fs.is_file(file)) {
        auto text = fs.read_file(file, kMaxVersionFile);
        return {text ? words_of(*text) : std::vector<std::string>(), file};
      }
      if (directory == "/") break;
      directory = base::parent(directory);
    }
  }
  const std::string file = base::join(pyenv_root, "version");
  auto text = fs.read_file(file, kMaxVersionFile);
  if (!text) return {{"system"}, "pyenv's default"};
  return {words_of(*text), file};
}

// "3.11" → the newest installed 3.11.x; "" if none is installed. Source: pyenv-latest.
std::string newest_of(const base::RootFs& fs, const std::string& directory,
                      const std::string& prefix) {
  std::string best;
  std::vector<std::uint64_t> best_numbers;
  for (const std::string& name : fs.list(directory).value_or({})) {
    if (!name.starts_with(prefix + ".")) continue;
    std::vector<std::uint64_t> numbers;
    for (auto part : base::split(name, '.')) {
      const auto number = base::parse_number(part);
      if (!number) break;
      numbers.push_back(*number);
    }
    if (numbers.size() != base::split(name, '.').size()) continue;  // 3.13.0rc1, 3.12-dev
    if (numbers <= best_numbers) continue;
    best = name;
    best_numbers = numbers;
  }
  return best;
}

// The directory of an installed version; "" if it is not installed.
std::string version_directory(const base::RootFs& fs, const std::string& pyenv_root,
                              const std::string& name) {
  const std::string versions = base::join(pyenv_root, "versions");
  std::string bare = name;
  if (bare.starts_with("python-")) bare.erase(0, 7);
  for (const std::string& candidate : {name, bare})
    if (fs.is_directory(base::join(versions, candidate))) return base::join(versions, candidate);
  for (const std::string& candidate : {name, bare})
    if (const auto newest = newest_of(fs, versions, candidate); !newest.empty())
      return base::join(versions, newest);
  return "";
}

// What pyenv-version-name prints.
std::string names_of(const base::RootFs& fs, const std::string& pyenv_root,
                     const Versions& versions) {
  std::vector<std::string> names;
  for (const std::string& name : versions.names) {
    if (name == "system" && !names.empty()) continue;  // added at the end, for the search
    const std::string directory = version_directory(fs, pyenv_root, name);
    names.emplace_back(directory.empty() ? name : std::string(base::basename(directory)));
  }
  return base::join_with(names, ":");
}

std::string path_without(const std::string& search_path, const std::string& directory) {
  std::vector<std::string> kept;
  for (auto part : base::split(search_path, ':'))
    if (part != directory) kept.emplace_back(part);
  return base::join_with(kept, ":");
}

}  // namespace

std::optional<std::string> pyenv_root_of_shim(std::string_view head) {
  if (!head.starts_with("#!") || head.find("libexec/pyenv\" exec ") == std::string_view::npos)
    return std::nullopt;
  constexpr std::string_view kRoot = "export PYENV_ROOT=\"";
  const auto at = head.find(kRoot);
  if (at == std::string_view::npos) return std::nullopt;
  const auto from = at + kRoot.size();
  const auto end = head.find('"', from);
  if (end == std::string_view::npos || head[from] != '/') return std::nullopt;
  return std::string(head.substr(from, end - from));
}

Result<PyenvChoice> follow_pyenv(const base::RootFs& fs, const std::string& pyenv_root,
                                 const std::string& program, const base::Environment& environment,
                                 const std::string& working_directory) {
  Versions versions = chosen_versions(fs, pyenv_root, environment, working_directory);
  const std::string set_by = " (set by " + versions.set_by + ")";
  versions.names.emplace_back("system");  // pyenv-which tries it after all others
  for (const std::string& name : versions.names) {
    if (name == "system") {
      const std::string path =
          path_without(search_path_of(environment), base::join(pyenv_root, "shims"));
      auto found = find_program(fs, program, path, working_directory);
      if (found)
        return PyenvChoice{*found, "pyenv version system", "", names_of(fs, pyenv_root, versions)};
      continue;
    }
    const std::string directory = version_directory(fs, pyenv_root, name);
    if (directory.empty()) continue;
    const std::string path = base::join(directory, "bin/" + program);
    if (fs.is_executable(path))
      return PyenvChoice{path, "pyenv version " + std::string(base::basename(directory)) + set_by,
                         base::join(directory, "bin"), names_of(fs, pyenv_root, versions)};
  }
  versions.names.pop_back();
  return Error{"pyenv finds no `" + program + "` in version " +
               base::printable(base::join_with(versions.names, ":")) + set_by};
}

base::Environment environment_of_pyenv(const base::RootFs& fs, const std::string& pyenv_root,
                                       const PyenvChoice& choice, base::Environment environment,
                                       const std::string& working_directory) {
  std::string& path = environment["PATH"];
  const std::string plugins = base::join(pyenv_root, "plugins");
  std::vector<std::string> names = fs.list(plugins).value_or({});
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    if (const std::string bin = base::join(plugins, name + "/bin"); fs.is_directory(bin))
      path.insert(0, bin + ":");
  path.insert(0, base::join(pyenv_root, "libexec") + ":");
  if (!choice.directory.empty()) path.insert(0, choice.directory + ":");
  environment["PYENV_ROOT"] = pyenv_root;
  environment["PYENV_VERSION"] = choice.versions;
  std::string& directory = environment["PYENV_DIR"];
  if (directory.empty()) directory = working_directory;
  return environment;
}

}  // namespace gpuinit::image
