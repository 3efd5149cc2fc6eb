#include "image/python/python_home.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "base/text.h"
#include "elf/string_scan.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxConfig = 64ULL * 1024;
constexpr int kMaxLinks = 40;

// Symlinks of the last component only, as getpath resolves.
std::string follow_links(const base::RootFs& fs, std::string path) {
  for (int links = 0; links < kMaxLinks; ++links) {
    auto target = fs.read_link(path);
    if (!target) break;
    path = base::normalize(base::join(base::parent(path), *target));
  }
  return path;
}

// A file that this user may not read counts as none.
Result<VenvConfig> read_venv_config(const base::RootFs& fs, const std::string& path) {
  auto text = fs.read_file(path, kMaxConfig);
  if (!text && is_unread(text.error().code)) return std::move(text).error();
  if (!text) return VenvConfig();
  VenvConfig config = parse_venv_config(*text);
  config.path = path;
  return config;
}

// The landmarks of one release below a prefix.
class Landmarks {
 public:
  Landmarks(const base::RootFs& fs, const PythonRelease& release, std::string platlibdir)
      : fs_(fs), release_(release) {
    if (platlibdir.empty()) {
      libdirs_ = {"lib", "lib64"};
    } else {
      libdirs_ = {std::move(platlibdir)};
    }
  }

  std::string stdlib(const std::string& prefix, const std::string& libdir) const {
    return base::join(prefix, libdir + "/python" + release_.dotted() + release_.thread_flag());
  }
  std::string zip(const std::string& prefix, const std::string& libdir) const {
    return base::join(prefix,
                      libdir + "/python" + release_.undotted() + release_.thread_flag() + ".zip");
  }

  // The library directory in which `prefix` has the standard library; "" if none.
  std::string libdir_of(const std::string& prefix) const {
    for (const std::string& libdir : libdirs_) {
      const std::string directory = stdlib(prefix, libdir);
      if (fs_.is_file(base::join(directory, "os.py")) ||
          fs_.is_file(base::join(directory, "os.pyc")) || has_zip(prefix, libdir))
        return libdir;
    }
    return "";
  }

  // From `directory` upwards, "/" itself not tested, as getpath's search_up.
  std::string search_up(std::string directory, std::string& libdir) const {
    for (; directory.size() > 1; directory = base::parent(directory)) {
      libdir = libdir_of(directory);
      if (!libdir.empty()) return directory;
    }
    return "";
  }

  std::string search_up_dynload(std::string directory, const std::string& libdir) const {
    for (; directory.size() > 1; directory = base::parent(directory))
      if (fs_.is_directory(base::join(stdlib(directory, libdir), "lib-dynload"))) return directory;
    return "";
  }

 private:
  // The zipped standard library became a landmark with 3.11.
  bool has_zip(const std::string& prefix, const std::string& libdir) const {
    return release_.at_least(11) && fs_.is_file(zip(prefix, libdir));
  }

  const base::RootFs& fs_;
  const PythonRelease& release_;
  std::vector<std::string> libdirs_;
};

// The directory from which the search goes up: the program's own, or `home` of
// the venv that the program is in.
Result<std::string> search_directory(const base::RootFs& fs, const std::string& executable,
                                     const PythonRelease& release) {
  const std::string real = follow_links(fs, executable);
  // 3.11 and later look beside the program as it was called, the parent first;
  // before, beside what it links to.
  const std::string beside(base::parent(release.at_least(11) ? executable : real));
  const std::string above(base::parent(beside));
  for (const std::string& directory :
       release.at_least(11) ? std::array{above, beside} : std::array{beside, above}) {
    const auto read = read_venv_config(fs, base::join(directory, "pyvenv.cfg"));
    if (!read) return read.error();
    const VenvConfig& config = *read;
    if (config.path.empty()) continue;
    if (config.home) return base::join("/", *config.home);
    break;
  }
  return std::string(base::parent(real));
}

bool holds_path(std::string_view text) {
  return text.size() < 256 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// The one prefix with a standard library; "" if none or several have one.
std::string only_prefix(const std::set<std::string>& candidates, const Landmarks& landmarks,
                        std::string& libdir) {
  std::string found;
  for (const std::string& candidate : candidates) {
    if (candidate.size() < 2 || base::normalize(candidate) != candidate) continue;  // "/."
    const std::string in = landmarks.libdir_of(candidate);
    if (in.empty()) continue;
    if (!found.empty()) return "";
    found = candidate;
    libdir = in;
  }
  return found;
}

// PREFIX, which is compiled in: the one string of the code that is a directory
// with the standard library of this release. Linkers keep one copy of "/usr" and
// "--prefix=/usr", so the ends of strings count where no whole string fits.
std::string compiled_in_prefix(const PythonBinary& python, const Landmarks& landmarks,
                               std::string& libdir) {
  if (!python.code()) return "";
  auto strings = elf::scan_strings(*python.code(), {"/"}, holds_path);
  if (!strings) return "";
  std::set<std::string> whole;
  std::set<std::string> ends;
  for (const std::string& text : *strings) {
    if (text.starts_with('/')) whole.insert(text);
    for (auto at = text.find('/', 1); at < text.size(); at = text.find('/', at + 1))
      ends.insert(text.substr(at));
  }
  if (auto prefix = only_prefix(whole, landmarks, libdir); !prefix.empty()) return prefix;
  return only_prefix(ends, landmarks, libdir);
}

}  // namespace

VenvConfig parse_venv_config(std::string_view text) {
  VenvConfig config;
  for (auto line : base::split_lines(text)) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::string key(base::trim(line.substr(0, equals)));
    std::string value(base::trim(line.substr(equals + 1)));
    for (std::string* word : {&key, &value})
      if (word == &key || key == "include-system-site-packages")
        for (char& c : *word)
          if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (key == "home") config.home = value;
    if (key == "include-system-site-packages") config.system_site = value == "true";
  }
  return config;
}

Result<PythonHome> find_python_home(const base::RootFs& fs, const PythonStart& start,
                                    const PythonBinary& python, const PythonRelease& release) {
  if (!release.known()) return Error{"the Python version is not known"};
  const Landmarks landmarks(fs, release, start.variable("PYTHONPLATLIBDIR"));

  PythonHome home;
  std::string exec_prefix;
  if (const auto set = start.variable("PYTHONHOME"); !set.empty()) {
    const auto colon = set.find(':');
    home.base_prefix = base::join("/", set.substr(0, colon));
    exec_prefix =
        colon == std::string::npos ? home.base_prefix : base::join("/", set.substr(colon + 1));
    home.platlibdir = landmarks.libdir_of(home.base_prefix);
    if (home.platlibdir.empty())
      return Error{"PYTHONHOME=" + base::printable(set) + " has no standard library of Python " +
                   release.dotted() + release.thread_flag()};
  } else {
    const auto directory = search_directory(fs, start.interpreter, release);
    if (!directory) return directory.error();
    const std::string& from = *directory;
    home.base_prefix = landmarks.search_up(from, home.platlibdir);
    if (home.base_prefix.empty())
      home.base_prefix = compiled_in_prefix(python, landmarks, home.platlibdir);
    if (home.base_prefix.empty())
      return Error{"no standard library of Python " + release.dotted() + release.thread_flag() +
                   " above " + from};
    exec_prefix = landmarks.search_up_dynload(from, home.platlibdir);
    if (exec_prefix.empty()) exec_prefix = home.base_prefix;
  }
  home.stdlib = landmarks.stdlib(home.base_prefix, home.platlibdir);
  home.zip = landmarks.zip(home.base_prefix, home.platlibdir);
  home.lib_dynload = base::join(landmarks.stdlib(exec_prefix, home.platlibdir), "lib-dynload");

  // What site.py makes of a venv. It looks beside the program first, and takes
  // the directory above the program's as prefix in either case.
  home.prefix = home.base_prefix;
  const std::string beside(base::parent(start.interpreter));
  const std::string above(base::parent(beside));
  for (const std::string& directory : {beside, above}) {
    const auto config = read_venv_config(fs, base::join(directory, "pyvenv.cfg"));
    if (!config) return config.error();
    if (config->path.empty()) continue;
    home.venv_config = config->path;
    home.system_site = config->system_site;
    // Since 3.14 getpath sets the prefix, before that site.py did.
    if (!start.options.no_site || release.at_least(14)) home.prefix = above;
    break;
  }
  return home;
}

}  // namespace gpuinit::image
