#include "policy/load_policy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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
    if (auto done = add_files(baked, locked); !done) return std::move(done).error();
    if (auto done = add_settings(split_settings(sources_.environment_set), "GPUINIT_SET"); !done)
      return std::move(done).error();
    if (auto done = add_settings(sources_.set_options, "--set"); !done)
      return std::move(done).error();
    LoadedPolicy loaded = std::move(layers_).loaded();
    loaded.checks_are_off = off_;
    loaded.left_out = std::move(left_out_);
    if (sources_.off && locked) loaded.refused.insert(loaded.refused.begin(), "GPUINIT=off");
    return loaded;
  }

 private:
  // With GPUINIT=off what is wrong is left out.
  Status heed(Status done) {
    if (done || !off_) return done;
    left_out_.push_back(std::move(done).error().message);
    return Done{};
  }

  Status add_settings(const std::vector<std::string>& settings, const std::string& origin) {
    for (const auto& setting : settings)
      if (auto done = heed(layers_.add_setting(setting, origin)); !done) return done;
    return Done{};
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

  Status add_files(const Result<std::optional<std::string>>& baked, bool locked) {
    if (!sources_.file.empty() && !locked) {
      const Status named = add_named_file();
      if (named || !off_) return named;
      left_out_.push_back(named.error().message);
    }
    if (auto done = heed(add_default_file(baked)); !done) return done;
    if (auto done = add_default_directory(); !done) return done;
    const bool also_named = !sources_.file.empty() && sources_.file != sources_.default_file;
    return locked && also_named ? add_named_file() : Status(Done{});
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
    if (!names) return heed(Error{"policy directory " + names.error().message, names.error().code});
    std::size_t files = 0;
    for (const auto& name : *names) {
      // A ConfigMap's own directories and an editor's leftovers begin with a dot.
      if (name.starts_with('.') || !name.ends_with(".toml")) continue;
      if (++files > kMaxFiles)
        return heed(Error{path + ": more than " + std::to_string(kMaxFiles) + " files"});
      const std::string file = base::join(path, name);
      if (auto done = heed(add_file(file, file)); !done) return done;
    }
    return Done{};
  }

  Status add_named_file() {
    std::string path = sources_.file;
    if (!path.starts_with('/')) {
      char directory[PATH_MAX];
      if (::getcwd(directory, sizeof directory) == nullptr)
        return errno_error(sources_.file_named_by + " " + path + ": the working directory");
      path = base::join(directory, path);
    }
    auto done = add_file(path, sources_.file);
    return done ? std::move(done) : std::move(done).error().context(sources_.file_named_by);
  }

  Status add_file(const std::string& path, const std::string& name) {
    auto text = read(fs_, path);
    return text ? add_text(name, *text, Layers::Lock::kMayNot) : std::move(text).error();
  }

  const PolicySources& sources_;
  const base::RootFs& fs_;
  Layers layers_;
  bool off_ = false;
  std::vector<std::string> left_out_;
};

bool nothing_is_set(const PolicySources& sources) {
  if (!sources.file.empty() || !sources.environment_set.empty() || !sources.set_options.empty())
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
