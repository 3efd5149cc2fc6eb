#include "policy/load_policy.h"

#include <unistd.h>

#include <climits>

#include "base/root_fs.h"
#include "base/text.h"
#include "policy/layers.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

namespace {

constexpr std::size_t kMaxFiles = 1000;  // in policy.d

// A missing file and a symlink to nothing are both ENOENT, but only the first
// is absent: a ConfigMap that lost its target must not pass for the absence of a policy.
bool leads_nowhere(const base::RootFs& fs, std::string path) {
  while (path.size() > 1) {
    if (fs.read_link(path)) return !fs.resolve(path);
    path = std::string(base::parent(path));
  }
  return false;
}

bool is_absent(const base::RootFs& fs, const Error& error, const std::string& path) {
  return error.code == ENOENT && !leads_nowhere(fs, path);
}

// `named_by`: the option or variable that named the file, empty for a default.
Status add_file(const base::RootFs& fs, Layers& layers, const std::string& path,
                const std::string& name, const std::string& named_by) {
  auto text = fs.read_file(path, kMaxTomlBytes);
  if (text) return layers.add_file(name, *text);
  Error error = std::move(text).error();
  error.message = "policy file " + base::printable(error.message, std::size_t{2} * PATH_MAX);
  return named_by.empty() ? error : std::move(error).context(named_by);
}

Status add_named_file(const base::RootFs& fs, Layers& layers, const PolicySources& sources) {
  std::string path = sources.file;
  if (!path.starts_with('/')) {
    char directory[PATH_MAX];
    if (::getcwd(directory, sizeof directory) == nullptr)
      return errno_error(sources.file_named_by + " " + path + ": the working directory");
    path = base::join(directory, path);
  }
  return add_file(fs, layers, path, sources.file, sources.file_named_by);
}

Status add_default_file(const base::RootFs& fs, Layers& layers, const std::string& path) {
  if (path.empty()) return Done{};
  if (auto info = fs.stat(path); !info && is_absent(fs, info.error(), path)) return Done{};
  return add_file(fs, layers, path, path, "");
}

Status add_default_directory(const base::RootFs& fs, Layers& layers, const std::string& path) {
  if (path.empty()) return Done{};
  auto names = fs.list(path);
  if (!names && is_absent(fs, names.error(), path)) return Done{};
  if (!names) return Error{"policy directory " + names.error().message, names.error().code};
  std::size_t files = 0;
  for (const auto& name : *names) {
    // A ConfigMap's own directories and an editor's leftovers begin with a dot.
    if (name.starts_with('.') || !name.ends_with(".toml")) continue;
    if (++files > kMaxFiles)
      return Error{path + ": more than " + std::to_string(kMaxFiles) + " files"};
    const std::string file = base::join(path, name);
    if (auto done = add_file(fs, layers, file, file, ""); !done) return done;
  }
  return Done{};
}

Status add_files(Layers& layers, const PolicySources& sources) {
  auto fs = base::RootFs::open("/");
  if (!fs) return std::move(fs).error();
  if (!sources.file.empty()) return add_named_file(*fs, layers, sources);
  if (auto done = add_default_file(*fs, layers, sources.default_file); !done) return done;
  return add_default_directory(*fs, layers, sources.default_directory);
}

}  // namespace

Result<LoadedPolicy> load_policy(const PolicySources& sources) {
  Layers layers(sources.checks, sources.problems);
  if (auto done = add_files(layers, sources); !done) return std::move(done).error();
  for (const auto& setting : split_settings(sources.environment_set))
    if (auto done = layers.add_setting(setting, "GPUINIT_SET"); !done)
      return std::move(done).error();
  for (const auto& setting : sources.set_options)
    if (auto done = layers.add_setting(setting, "--set"); !done) return std::move(done).error();
  return layers.loaded();
}

}  // namespace gpuinit::policy
