#include "image/seal/sealed_image.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "image/frameworks/read_frameworks.h"
#include "image/frameworks/torch_search.h"
#include "image/packages/distributions.h"
#include "image/python/sys_path.h"
#include "image/read_python_image.h"
#include "image/seal/witnesses.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMostChanges = 10;

// Every variable that read_python_image() heeds, but PYTHONSAFEPATH, which decides on the first
// entry of sys.path alone, and HOME.
constexpr std::array<const char*, 10> kVariables{
    "LD_LIBRARY_PATH", "LD_PRELOAD",       "NVIDIA_PYTORCH_VERSION", "PYTHONHOME",
    "PYTHONPATH",      "PYTHONPLATLIBDIR", "PYTHONNOUSERSITE",       "PYTHONUSERBASE",
    "RPM_BUILD_ROOT",  "VIRTUAL_ENV"};

std::map<std::string, std::string> heeded_variables(const base::Environment& environment,
                                                    bool home_counts) {
  std::map<std::string, std::string> heeded;
  for (const char* name : kVariables)
    if (const auto set = environment.find(name); set != environment.end()) heeded.insert(*set);
  if (home_counts) heeded["HOME"] = base::variable(environment, "HOME");
  return heeded;
}

// Where sys.path depends on it; empty otherwise.
std::string heeded_directory(const PythonStart& start) {
  const std::string path = start.variable("PYTHONPATH");
  if (path.empty()) return "";
  for (const auto entry : base::split(path, ':'))
    if (!entry.starts_with('/')) return start.working_directory;
  return "";
}

std::uint32_t user(const ImageQuery& query) { return query.uid.value_or(::geteuid()); }

bool knows_safe_path(const Interpreter& python) {
  const std::string version = python.version.value_or("");
  const auto parts = base::split(version, '.');
  return parts.size() >= 2 && base::parse_number(parts[1]).value_or(0) >= 11;
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

// Why the sealed facts are not those of this start. Empty: they are.
std::string differs_in(const ImageQuery& query, const Seal& seal, const SealedPython& sealed,
                       const PythonStart& start) {
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
  if (variables != sealed.variables) return "HOME has another value";
  if (const auto home = variables.find("HOME");
      home != variables.end() && home->second.empty() && user(query) != seal.uid)
    return "another user has another home directory";
  if (heeded_directory(start) != sealed.working_directory)
    return "PYTHONPATH counts from another directory";
  return "";
}

// What is not as it was when the image was sealed.
std::vector<std::string> changes(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                                 const FoundSeal& found) {
  if (!found.seal) return {found.path + ": " + found.seal.error().message};
  const Seal& seal = *found.seal;
  if (!seal.readable_by_all && seal.uid != user(query))
    return {"the user: not everybody may read what was sealed"};
  // An image whose times are cut to its SOURCE_DATE_EPOCH has a seal from before it was made.
  std::optional<std::int64_t> latest;
  if (found.modified < seal.sealed_at) latest = found.modified;
  auto changed = changed_witnesses(query.fs, seal.witnesses, latest, kMostChanges);
  const auto mounts = mounts_over(query.fs, seal.witnesses);
  if (!mounts) changed.push_back("what is mounted cannot be told: " + mounts.error().message);
  else
    for (const std::string& mount : *mounts)
      if (std::find(seal.mounts.begin(), seal.mounts.end(), mount) == seal.mounts.end())
        changed.push_back("something is mounted on " + mount);
  const std::string machine = seal.pythons.empty()
                                  ? std::string()
                                  : seal.pythons[0].facts.interpreter->machine.value_or("");
  for (const auto& [name, path] : seal.library_cache) {
    const auto* now = libraries.in_cache(name, machine);
    if ((now == nullptr ? std::string() : now->path) != path)
      changed.push_back("ld.so.cache has another " + name);
  }
  if (changed.size() > kMostChanges) changed.resize(kMostChanges);
  return changed;
}

void add_first_entry(Interpreter& python, const std::string& first) {
  if (first.empty()) return;
  auto& entries = python.sys_path.value();
  entries.insert(entries.begin(), first);
}

// Of the start, with the first entry of its sys.path; or null, and why.
SealedPython* fitting_python(const ImageQuery& query, const PythonStart& start, std::string& first,
                             std::string& unused_because) {
  Seal& seal = *query.seal->seal;
  if (seal.include != query.extensions.include || seal.exclude != query.extensions.exclude) {
    unused_because = "the policy has other extensions.include or extensions.exclude";
    return nullptr;
  }
  for (SealedPython& sealed : seal.pythons) {
    unused_because = differs_in(query, seal, sealed, start);
    if (!unused_because.empty()) continue;
    const Interpreter& python = *sealed.facts.interpreter;
    first = first_sys_path_entry(query.fs, start, knows_safe_path(python));
    if (first.empty() || brings_nothing(query.fs, first, python.soabi.value_or(""))) return &sealed;
    unused_because = first + " has packages of its own";
    return nullptr;
  }
  return nullptr;
}

class Sealer {
 public:
  Sealer(base::RootFs& fs, const ImageQuery& query) : fs_(fs), query_(query) {}

  Result<Seal> seal() {
    seal_.uid = user(query_);
    Start start = follow(query_.command);
    if (!start.python) return std::move(start.python).error();
    auto own = python(std::move(start.python).value());
    if (!own) return std::move(own).error();
    own->facts.compat_libraries = read_compat_libraries(fs_);  // read anew in a start
    own->facts.command = query_.command;
    own->facts.start = std::move(start.steps);
    own->facts.program = std::move(start.program);
    seal_.pythons.push_back(std::move(own).value());
    Start fallback = follow({});
    if (fallback.python &&
        !differs_in(query_, seal_, seal_.pythons[0], fallback.python->start).empty())
      if (auto other = python(std::move(fallback.python).value()))
        seal_.pythons.push_back(std::move(other).value());
    return finish();
  }

 private:
  Start follow(const std::vector<std::string>& command) const {
    return follow_command({fs_, command, query_.environment, query_.working_directory,
                           query_.fallback_interpreter, query_.uid});
  }

  // Read without its first entry of sys.path, which is another in every start.
  Result<SealedPython> python(ChosenPython chosen) {
    SealedPython sealed;
    PythonStart start = chosen.start;
    const ldso::LibrarySearch libraries(fs_, start.environment);
    fs_.log_to(&log_);
    log_.home = false;
    chosen.start.options.runs = PythonOptions::Runs::kUnknown;
    chosen.binary = PythonBinary::open(fs_, start.interpreter, libraries);
    std::optional<PythonStart> started;
    read_python_image(query_, libraries, std::move(chosen), sealed.facts, &started);
    fs_.log_to(nullptr);
    sealed.facts.root = query_.root;
    sealed.facts.seal = Fact<SealState>::absent("these facts are the seal's");
    sealed.libpython = started->libpython
                           ? Fact<std::string>(*started->libpython)
                           : Fact<std::string>::absent(started->libpython.error().message);
    const Interpreter& interpreter = *sealed.facts.interpreter;
    if (!interpreter.sys_path)
      return Error{"sys.path is not known: " + interpreter.sys_path.reason()};
    const std::string first = first_sys_path_entry(fs_, start, knows_safe_path(interpreter));
    if (!first.empty() && !brings_nothing(fs_, first, interpreter.soabi.value_or("")))
      return Error{first + ", the first entry of the command's sys.path, has packages of its own"};
    sealed.first_entry = first;
    sealed.isolated = start.options.isolated;
    sealed.ignore_environment = start.options.ignore_environment;
    sealed.no_user_site = start.options.no_user_site;
    sealed.no_site = start.options.no_site;
    sealed.variables = heeded_variables(start.environment, log_.home);
    sealed.working_directory = heeded_directory(start);
    return sealed;
  }

  Result<Seal> finish() {
    seal_.include = query_.extensions.include;
    seal_.exclude = query_.extensions.exclude;
    seal_.library_cache = log_.library_cache;
    seal_.witnesses = make_witnesses(fs_, log_);
    seal_.readable_by_all = are_readable_by_all(fs_, seal_.witnesses);
    auto mounts = mounts_over(fs_, seal_.witnesses);
    if (!mounts) return std::move(mounts).error();
    seal_.mounts = std::move(mounts).value();
    wait_out_the_second();
    const auto changed = changed_witnesses(fs_, seal_.witnesses, std::nullopt, 1);
    if (!changed.empty()) return Error{"the image changes while it is sealed: " + changed[0]};
    return std::move(seal_);
  }

  // What is written in the second in which it was looked at keeps its time. Times to come are
  // somebody else's clock.
  void wait_out_the_second() {
    const std::int64_t now = std::time(nullptr);
    bool in_this_second = false;
    for (const WitnessDirectory& directory : seal_.witnesses) {
      in_this_second = in_this_second || directory.modified == now;
      for (const Witness& name : directory.names)
        in_this_second = in_this_second || name.modified == now;
    }
    if (in_this_second) ::usleep(1'000'000);
    seal_.sealed_at = std::time(nullptr);
  }

  base::RootFs& fs_;
  const ImageQuery& query_;
  base::ReadLog log_;
  Seal seal_;
};

}  // namespace

Result<Seal> make_seal(base::RootFs& fs, const ImageQuery& query) {
  return Sealer(fs, query).seal();
}

bool take_from_seal(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                    const ChosenPython& chosen, ImageFacts& facts,
                    std::optional<PythonStart>* started) {
  if (query.seal == nullptr) {
    facts.seal = Fact<SealState>::absent("the image has no seal");
    return false;
  }
  SealState state{query.seal->path, changes(query, libraries, *query.seal), ""};
  std::string first;
  SealedPython* const fitting =
      state.changes.empty() ? fitting_python(query, chosen.start, first, state.unused_because)
                            : nullptr;
  facts.seal = std::move(state);
  if (fitting == nullptr) return false;
  Interpreter& python = fitting->facts.interpreter.value();
  python.path = chosen.start.interpreter;
  python.chosen_because = chosen.because;
  python.from_command = chosen.followed;
  add_first_entry(python, first);
  if (query.sys_path_is_known) query.sys_path_is_known(*python.sys_path);
  if (started != nullptr) {
    *started = chosen.start;
    if (fitting->libpython) (*started)->libpython = *fitting->libpython;
    else (*started)->libpython = Error{fitting->libpython.reason()};
    (*started)->release = plain_release(python.soabi.value_or(""));
  }
  ImageFacts& sealed = fitting->facts;
  facts.interpreter = std::move(sealed.interpreter);
  facts.torch = std::move(sealed.torch);
  if (query.cuda_is_known && facts.torch && facts.torch->cuda.known()) query.cuda_is_known();
  facts.cuda_runtime = std::move(sealed.cuda_runtime);
  facts.loader = std::move(sealed.loader);
  facts.extensions = std::move(sealed.extensions);
  facts.packages = std::move(sealed.packages);
  return true;
}

ImageFacts sealed_facts(Seal seal) {
  SealedPython& own = seal.pythons.front();
  add_first_entry(own.facts.interpreter.value(), own.first_entry);
  return std::move(own.facts);
}

}  // namespace gpuinit::image
