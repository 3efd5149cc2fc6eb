#include "image/seal/sealed_start.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "image/frameworks/torch_search.h"
#include "image/packages/distributions.h"
#include "image/python/sys_path.h"

namespace gpuinit::image {

namespace {

// Every variable that read_python_image() heeds, but PYTHONSAFEPATH, which decides on the first
// entry of sys.path alone, and HOME.
constexpr std::array<const char*, 10> kVariables{
    "LD_LIBRARY_PATH", "LD_PRELOAD",       "NVIDIA_PYTORCH_VERSION", "PYTHONHOME",
    "PYTHONPATH",      "PYTHONPLATLIBDIR", "PYTHONNOUSERSITE",       "PYTHONUSERBASE",
    "RPM_BUILD_ROOT",  "VIRTUAL_ENV"};

// "3.12" of "3.12.4"; "" if it is not known.
std::string_view release_of(const Interpreter& python) {
  if (!python.version) return "";
  const std::string_view version = *python.version;
  return version.substr(0, version.find('.', version.find('.') + 1));
}

bool knows_safe_path(const Interpreter& python) {
  const std::string_view release = release_of(python);
  return base::parse_number(release.substr(release.find('.') + 1)).value_or(0) >= 11;
}

// An entry of sys.path in which nothing is found that is looked for there.
bool brings_nothing(const base::RootFs& fs, const std::string& entry, const std::string& soabi) {
  const auto name = base::basename(entry);
  if (name == "site-packages" || name == "dist-packages") return false;
  const std::vector<std::string> alone{entry};
  const FoundTorch torch = find_torch(fs, alone, soabi);
  if (torch.found() || !torch.bare_directory.empty()) return false;
  if (fs.is_directory(base::join(entry, "nvidia"))) return false;
  const auto packages = read_distributions(fs, Fact<std::vector<std::string>>(alone));
  return packages && packages->empty();
}

// The same file in the same place: `python` and `python3` beside each other may be one.
bool is_interpreter(const base::RootFs& fs, const Interpreter& sealed, const std::string& path) {
  if (sealed.path == path) return true;
  return base::parent(sealed.path) == base::parent(path) &&
         fs.resolve(path).value_or("") == sealed.real_path;
}

// The same home directory, or none of the two has packages.
bool has_same_user_site(const ImageQuery& query, const Seal& seal, const SealedPython& sealed,
                        const PythonStart& start) {
  const std::string then = sealed.variables.at("HOME");
  const std::string now = base::variable(start.environment, "HOME");
  if (now == then && (!now.empty() || user_of(query) == seal.uid)) return true;
  if (now.empty() || then.empty()) return false;  // of whoever it may be
  const Interpreter& python = *sealed.facts.interpreter;
  if (!python.version) return false;
  std::string name = "python" + std::string(release_of(python));
  if (python.soabi.value_or("").find("t-") != std::string::npos) name += 't';  // cpython-313t-…
  const std::string sealed_site = user_site_directory(query.fs, {{"HOME", then}}, name);
  return std::ranges::count(*python.sys_path, sealed_site) == 0 &&
         !query.fs.is_directory(user_site_directory(query.fs, start.environment, name));
}

}  // namespace

std::map<std::string, std::string> heeded_variables(const base::Environment& environment,
                                                    bool home_counts) {
  std::map<std::string, std::string> heeded;
  for (const char* name : kVariables)
    if (const auto set = environment.find(name); set != environment.end()) heeded.insert(*set);
  if (home_counts) heeded["HOME"] = base::variable(environment, "HOME");
  return heeded;
}

std::string heeded_directory(const PythonStart& start) {
  const std::string path = start.variable("PYTHONPATH");
  if (path.empty()) return "";
  for (const auto entry : base::split(path, ':'))
    if (!entry.starts_with('/')) return start.working_directory;
  return "";
}

std::uint32_t user_of(const ImageQuery& query) { return query.uid.value_or(::geteuid()); }

std::string difference_of_start(const ImageQuery& query, const Seal& seal,
                                const SealedPython& sealed, const PythonStart& start) {
  const PythonOptions& options = start.options;
  if (!is_interpreter(query.fs, *sealed.facts.interpreter, start.interpreter))
    return start.interpreter + " is another interpreter";
  if (options.isolated != sealed.isolated || options.no_site != sealed.no_site ||
      options.ignore_environment != sealed.ignore_environment ||
      options.no_user_site != sealed.no_user_site)
    return "Python gets other options";
  const auto variables = heeded_variables(start.environment, sealed.variables.contains("HOME"));
  for (const char* name : kVariables) {
    const auto now = variables.find(name);
    const auto then = sealed.variables.find(name);
    if ((now == variables.end()) != (then == sealed.variables.end()) ||
        (now != variables.end() && now->second != then->second))
      return std::string(name) + " has another value";
  }
  if (variables.contains("HOME") && !has_same_user_site(query, seal, sealed, start))
    return "the user has another home directory";
  if (heeded_directory(start) != sealed.working_directory)
    return "PYTHONPATH counts from another directory";
  return "";
}

Result<std::string> own_entry(const base::RootFs& fs, const PythonStart& start,
                              const Interpreter& python) {
  std::string entry = first_sys_path_entry(fs, start, knows_safe_path(python));
  if (entry.empty() || brings_nothing(fs, entry, python.soabi.value_or(""))) return entry;
  return Error{entry + ", the command's own entry of sys.path, has packages"};
}

}  // namespace gpuinit::image
