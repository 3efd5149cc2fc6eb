#include "image/python/sys_path.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "image/python/pth_file.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMaxEntries = 10'000;
constexpr std::uint64_t kMaxSiteModule = 1024ULL * 1024;
constexpr std::size_t kMaxAllPthLines = 100'000;  // of all files; each may cost a look at the disk
constexpr std::size_t kMaxNotes = 100;
constexpr std::size_t kMaxFronts = 100;  // entries that code puts in front

// What the distribution has made of site.py, by its text.
struct SiteRules {
  bool debian = false;               // dist-packages
  bool virtual_env_is_venv = false;  // Debian's 3.9 and 3.10: VIRTUAL_ENV alone counts as venv
  bool fedora = false;               // /usr/local is a prefix as well
  std::string unread;                // why it is not known; empty: it is
};

SiteRules read_site_rules(const base::RootFs& fs, const std::string& stdlib) {
  SiteRules rules;
  auto text = fs.read_file(base::join(stdlib, "site.py"), kMaxSiteModule);
  if (!text) {
    if (is_unread(text.error().code)) rules.unread = text.error().message;
    return rules;
  }
  rules.debian = text->find("\"dist-packages\"") != std::string::npos;
  rules.virtual_env_is_venv = text->find("'VIRTUAL_ENV' in os.environ") != std::string::npos;
  rules.fedora = text->find("'RPM_BUILD_ROOT' not in os.environ") != std::string::npos;
  return rules;
}

// The home directory that "~" stands for: HOME, else the user's line in passwd.
std::string home_directory(const base::RootFs& fs, const base::Environment& environment) {
  const auto set = environment.find("HOME");
  if (set != environment.end()) return set->second;
  const std::string uid = std::to_string(::getuid());
  const std::string passwd = fs.read_file("/etc/passwd").value_or("");
  for (auto line : base::split_lines(passwd)) {
    const auto fields = base::split(line, ':');
    if (fields.size() >= 7 && fields[2] == uid) return std::string(fields[5]);
  }
  return "";
}

class Builder {
 public:
  explicit Builder(const SysPathQuery& query) : query_(query) {}

  SysPath build() {
    add_environment_and_stdlib();
    if (!query_.start.options.no_site) add_site();
    add_customize_notes();
    const std::string first =
        first_sys_path_entry(query_.fs, query_.start, query_.release.at_least(11));
    if (!first.empty()) result_.entries.insert(result_.entries.begin(), first);
    return std::move(result_);
  }

 private:
  // Appends an existing entry once. site.py compares absolute paths as text.
  bool add(const std::string& entry) {
    const std::string path = base::normalize(base::join(query_.start.working_directory, entry));
    if (known_.contains(path)) return false;
    if (result_.entries.size() >= kMaxEntries) {
      if (!std::exchange(is_full_, true))
        note(limit_error(path, "sys.path has more than " + std::to_string(kMaxEntries) + " entries")
                 .message,
             true);
      return false;
    }
    if (!query_.fs.stat(path)) return false;
    known_.insert(path);
    result_.entries.push_back(path);
    return true;
  }

  void add_environment_and_stdlib() {
    const std::string path = query_.start.variable("PYTHONPATH");
    if (!path.empty())
      for (auto part : base::split(path, ':')) add(std::string(part));
    add(query_.home.zip);
    add(query_.home.stdlib);
    add(query_.home.lib_dynload);
  }

  void note(const std::string& text, bool open_ended) {
    if (result_.notes.size() < kMaxNotes) result_.notes.push_back(text);
    result_.open_ended = result_.open_ended || open_ended;
  }

  void add_site_directory(const std::string& directory) {
    if (!query_.fs.is_directory(directory)) return;
    add(directory);
    const auto names = query_.fs.list(directory);
    if (!names && is_unread(names.error().code)) note(names.error().message, true);
    for (const std::string& name : names.value_or({})) {
      if (!name.ends_with(".pth") || name.starts_with(".")) continue;
      if (pth_lines_ > kMaxAllPthLines) break;
      const PthFile file = read_pth_file(query_.fs, directory, name);
      if (!file.unread.empty()) note(file.unread, true);
      pth_lines_ += file.paths.size() + file.code.size();
      if (pth_lines_ > kMaxAllPthLines)
        note(limit_error(directory,
                         "more than " + std::to_string(kMaxAllPthLines) + " lines in .pth files")
                 .message,
             true);
      for (const std::string& path : file.paths) add(path);
      for (const std::string& code : file.code) {
        if (is_harmless_pth(name, code) || imports_finder(directory, code)) continue;
        if (const auto entry = front_entry(directory, code);
            !entry.empty() && fronts_ < kMaxFronts && query_.fs.is_directory(entry)) {
          ++fronts_;
          result_.entries.insert(result_.entries.begin(), entry);
          continue;
        }
        note(base::join(directory, name) + " runs `" + base::printable(code, 80) + "`", true);
      }
    }
  }

  bool imports_finder(const std::string& directory, std::string_view code) {
    const std::string_view module = finder_module(code);
    if (module.empty()) return false;
    const std::string file = base::join(directory, std::string(module) + ".py");
    const auto [known, is_new] = finders_.try_emplace(file);
    if (is_new) known->second = is_editable_finder(query_.fs, file);
    return known->second;
  }

  // site.getsitepackages() for one prefix.
  std::vector<std::string> site_directories(const std::string& prefix) const {
    const PythonRelease& release = query_.release;
    const std::string python =
        "python" + release.dotted() + (release.at_least(13) ? release.thread_flag() : "");
    std::vector<std::string> libdirs{query_.home.platlibdir};
    if (libdirs[0] != "lib") libdirs.emplace_back("lib");
    std::vector<std::string> found;
    if (!rules_.debian) {
      for (const std::string& libdir : libdirs)
        found.push_back(base::join(prefix, libdir + "/" + python + "/site-packages"));
      return found;
    }
    const bool venv =
        query_.home.prefix != query_.home.base_prefix ||
        (rules_.virtual_env_is_venv && query_.start.environment.contains("VIRTUAL_ENV"));
    if (venv)
      found.push_back(base::join(prefix, "lib/python" + release.dotted() + "/site-packages"));
    found.push_back(base::join(prefix, "local/lib/python" + release.dotted() + "/dist-packages"));
    found.push_back(base::join(prefix, "lib/python3/dist-packages"));
    for (const std::string& libdir : libdirs)
      found.push_back(base::join(prefix, libdir + "/" + python + "/dist-packages"));
    return found;
  }

  void add_site_packages(const std::string& prefix) {
    for (const std::string& directory : site_directories(prefix)) add_site_directory(directory);
  }

  bool user_site_enabled() const {
    if (query_.start.options.no_user_site || !query_.start.variable("PYTHONNOUSERSITE").empty())
      return false;
    return query_.home.venv_config.empty() || query_.home.system_site;
  }

  void add_user_site() {
    const PythonRelease& release = query_.release;
    const std::string directory = user_site_directory(
        query_.fs, query_.start.environment,
        "python" + release.dotted() + (release.at_least(13) ? release.thread_flag() : ""));
    if (!directory.empty()) add_site_directory(directory);
  }

  // site.main(): the venv, the user's, the base's.
  void add_site() {
    rules_ = read_site_rules(query_.fs, query_.home.stdlib);
    if (!rules_.unread.empty()) note(rules_.unread, true);
    const PythonHome& home = query_.home;
    const bool venv = !home.venv_config.empty();
    if (venv) add_site_packages(home.prefix);
    const bool user_site = user_site_enabled();
    if (user_site) add_user_site();
    if (venv && !home.system_site) return;
    if (rules_.fedora && user_site && !query_.start.environment.contains("RPM_BUILD_ROOT"))
      add_site_packages("/usr/local");
    add_site_packages(home.base_prefix);
  }

  // sitecustomize and usercustomize run at the end of site.main().
  void add_customize_notes() {
    if (query_.start.options.no_site) return;
    for (const char* module : {"sitecustomize", "usercustomize"}) {
      if (module[0] == 'u' && !user_site_enabled()) continue;
      for (const std::string& entry : result_.entries) {
        const std::string file = base::join(entry, std::string(module) + ".py");
        if (query_.fs.is_file(file)) {
          auto text = query_.fs.read_file(file, kMaxSiteModule);
          const bool silent = text && text->find("path") == std::string::npos &&
                              text->find("addsitedir") == std::string::npos;
          if (!silent) note(file + " runs at start-up", true);
          break;
        }
        if (query_.fs.is_file(base::join(entry, std::string(module) + "/__init__.py"))) {
          note(base::join(entry, module) + " runs at start-up", true);
          break;
        }
      }
    }
    if (query_.fs.is_file(query_.start.interpreter + "._pth"))
      note(query_.start.interpreter + "._pth replaces sys.path", true);
  }

  const SysPathQuery& query_;
  SiteRules rules_;
  SysPath result_;
  std::set<std::string> known_;
  bool is_full_ = false;
  std::map<std::string, bool> finders_;  // files that .pth files import, and whether they are one
  std::size_t pth_lines_ = 0;
  std::size_t fronts_ = 0;
};

}  // namespace

// Source: CPython, Modules/main.c pymain_run_python().
std::string first_sys_path_entry(const base::RootFs& fs, const PythonStart& start, bool safe_path) {
  const PythonOptions& options = start.options;
  const std::string program = base::join(start.working_directory, options.program);
  std::string first = start.working_directory;
  bool always = false;
  switch (options.runs) {
    case PythonOptions::Runs::kUnknown:
    case PythonOptions::Runs::kNothing:
      return "";
    case PythonOptions::Runs::kInteractive:
    case PythonOptions::Runs::kModule:
    case PythonOptions::Runs::kCommand:
      break;
    case PythonOptions::Runs::kScript: {
      auto real = fs.resolve(program);
      // A directory or a zip file is itself the entry, whatever the options say.
      always = fs.is_directory(program) || program.ends_with(".zip") || program.ends_with(".pyz");
      first = always ? program : std::string(base::parent(real ? *real : program));
      break;
    }
  }
  const bool safe = options.isolated ||
                    (safe_path && (options.safe_path || !start.variable("PYTHONSAFEPATH").empty()));
  return (safe && !always) || !fs.stat(first) ? "" : base::normalize(first);
}

std::string user_site_directory(const base::RootFs& fs, const base::Environment& environment,
                                const std::string& python) {
  std::string base = base::variable(environment, "PYTHONUSERBASE");  // read in spite of -E
  if (base.empty()) {
    if (base::ReadLog* log = fs.log()) log->home = true;
    const std::string home = home_directory(fs, environment);
    if (home.empty()) return "";
    base = base::join(home, ".local");
  }
  return base::join(base, "lib/" + python + "/site-packages");
}

SysPath read_sys_path(const SysPathQuery& query) { return Builder(query).build(); }

}  // namespace gpuinit::image
