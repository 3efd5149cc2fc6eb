#include "policy/load_policy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/root_fs.h"
#include "base/text.h"
#include "policy/builtin_policies.h"
#include "policy/layers.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

namespace {

constexpr std::size_t kMaxFiles = 1000;       // in policy.d
constexpr std::size_t kMaxProblemsTold = 20;  // of all files and settings together

// A missing file and a symlink to nothing are both ENOENT, but only the first
// is absent: a ConfigMap that lost its target must not pass for the absence of a policy.
bool is_absent(std::string path) {
  if (path.empty()) return true;
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 || errno != ENOENT) return false;
  do path = base::parent(path);
  while (::lstat(path.c_str(), &status) != 0 && path.size() > 1);
  return !S_ISLNK(status.st_mode) || ::stat(path.c_str(), &status) == 0;
}

Result<std::string> read(const base::RootFs& fs, const std::string& path) {
  auto text = fs.read_file(path, kMaxTomlBytes);
  if (text) return text;
  Error error = std::move(text).error();
  error.message = "policy file " + base::printable(error.message, std::size_t{2} * PATH_MAX);
  return error;
}

// Puts the layers over each other, in order.
class Loading {
 public:
  Loading(const PolicySources& sources, const base::RootFs& fs)
      : sources_(sources), fs_(fs), layers_(sources.checks, sources.problems) {}

  Result<LoadedPolicy> run() {
    const auto baked = read_default_file();
    const bool locked = baked && *baked && is_locked(**baked);
    off_ = sources_.off && !locked;
    add_files(baked, locked);
    for (const auto& setting : split_settings(sources_.environment_set))
      heed(layers_.add_setting(setting, "GPUINIT_SET"));
    for (const auto& setting : sources_.set_options) heed(layers_.add_setting(setting, "--set"));
    if (!problems_.empty() && !off_) return all_problems();
    LoadedPolicy loaded = std::move(layers_).loaded();
    loaded.checks_are_off = off_;
    loaded.left_out = std::move(problems_);
    if (sources_.off && locked) loaded.refused.insert(loaded.refused.begin(), "GPUINIT=off");
    return loaded;
  }

 private:
  // What is wrong is told at the end, all together; with GPUINIT=off it is left out.
  bool heed(const Status& done) {
    if (!done)
      for (const auto line : base::split_lines(done.error().message)) problems_.emplace_back(line);
    return done.ok();
  }

  Error all_problems() {
    const std::size_t more = problems_.size() - std::min(problems_.size(), kMaxProblemsTold);
    problems_.resize(problems_.size() - more);
    if (more > 0) problems_.push_back("and " + std::to_string(more) + " more problems");
    return Error{base::join_with(problems_, "\n")};
  }

  // nullopt if there is none.
  Result<std::optional<std::string>> read_default_file() const {
    const std::string& path = sources_.default_file;
    if (is_absent(path)) return std::optional<std::string>();
    auto text = read(fs_, path);
    return text ? Result(std::optional(std::move(text).value())) : std::move(text).error();
  }

  // A file that is left out is left out whole: it is tried alone first.
  Status add_text(const std::string& name, std::string_view text, Layers::Lock lock) {
    if (off_) {
      Layers alone(sources_.checks, sources_.problems);
      if (auto done = alone.add_file(name, text, lock); !done) return done;
    }
    return layers_.add_file(name, text, lock);
  }

  void add_files(const Result<std::optional<std::string>>& baked, bool locked) {
    // Where not one of the files that were named holds, GPUINIT=off leaves the default ones.
    if (!sources_.files.empty() && !locked && (add_named_files() || !off_)) return;
    heed(add_default_file(baked));
    heed(add_default_directory());
    if (locked) add_named_files();
  }

  Status add_default_file(const Result<std::optional<std::string>>& baked) {
    if (!baked) return baked.error();
    if (!*baked) return Done{};
    return add_text(sources_.default_file, **baked, Layers::Lock::kMayLock);
  }

  Status add_default_directory() {
    const std::string& path = sources_.default_directory;
    if (is_absent(path)) return Done{};
    auto names = fs_.list(path);
    if (!names) return Error{"policy directory " + names.error().message, names.error().code};
    std::size_t files = 0;
    for (const auto& name : *names) {
      // A ConfigMap's own directories and an editor's leftovers begin with a dot.
      if (name.starts_with('.') || !name.ends_with(".toml")) continue;
      if (++files > kMaxFiles)
        return Error{path + ": more than " + std::to_string(kMaxFiles) + " files"};
      const std::string file = base::join(path, name);
      heed(add_file(file, file));
    }
    return Done{};
  }

  // False if each of them is wrong.
  bool add_named_files() {
    bool any = false;
    for (const std::string& file : sources_.files)
      if (file != sources_.default_file || layers_.loaded().locked_by.empty())
        any = heed(add_named_file(file)) || any;
    return any;
  }

  Status add_named_file(const std::string& name) {
    if (name.starts_with(kBuiltinPrefix)) return add_builtin(name);
    std::string path = name;
    if (!path.starts_with('/')) {
      char directory[PATH_MAX];
      if (::getcwd(directory, sizeof directory) == nullptr)
        return errno_error(sources_.files_named_by + " " + base::printable(path) +
                           ": the working directory");
      path = base::join(directory, path);
    }
    auto text = read(fs_, path);
    if (!text) return std::move(text).error().context(sources_.files_named_by);
    return add_text(name, *text, Layers::Lock::kMayNot);
  }

  Status add_builtin(const std::string& name) {
    const auto text = builtin_policy(std::string_view(name).substr(kBuiltinPrefix.size()));
    if (text) return add_text(name, *text, Layers::Lock::kMayNot);
    return Error{sources_.files_named_by + " " + base::printable(name) + ": " +
                 std::string(kBuiltinPrefix) + "NAME has the names " +
                 base::join_with(builtin_policy_names(), ", ")};
  }

  Status add_file(const std::string& path, const std::string& name) {
    auto text = read(fs_, path);
    return text ? add_text(name, *text, Layers::Lock::kMayNot) : std::move(text).error();
  }

  const PolicySources& sources_;
  const base::RootFs& fs_;
  Layers layers_;
  bool off_ = false;
  std::vector<std::string> problems_;
};

bool nothing_is_set(const PolicySources& sources) {
  if (!sources.files.empty() || !sources.environment_set.empty() || !sources.set_options.empty())
    return false;
  // Of the default files their directory is asked for, which most images do not have.
  const std::string directory(base::parent(sources.default_file));
  if (directory == base::parent(sources.default_directory) && is_absent(directory)) return true;
  return is_absent(sources.default_file) && is_absent(sources.default_directory);
}

}  // namespace

Result<LoadedPolicy> load_policy(const PolicySources& sources) {
  if (nothing_is_set(sources)) {
    LoadedPolicy built_in;
    built_in.checks = sources.checks;
    built_in.checks_are_off = sources.off;
    if (!sources.off)
      for (const CheckInfo& check : sources.checks())
        built_in.policy.checks.emplace(check.id, check.level);
    return built_in;
  }
  auto fs = base::RootFs::open("/");
  if (!fs) return std::move(fs).error();
  return Loading(sources, *fs).run();
}

}  // namespace gpuinit::policy
