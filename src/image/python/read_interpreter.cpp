#include "image/python/read_interpreter.h"

#include "image/python/python_home.h"
#include "image/python/python_release.h"
#include "image/python/read_soabi.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;

// Source: conda keeps the list of its packages in <prefix>/conda-meta; pyenv
// installs to $PYENV_ROOT/versions/<version>.
std::string environment_of(const base::RootFs& fs, const PythonHome& home) {
  if (!home.venv_config.empty()) return "venv";
  if (fs.is_directory(base::join(home.base_prefix, "conda-meta"))) return "conda";
  const std::string_view versions = base::parent(home.base_prefix);
  if (base::basename(versions) == "versions" &&
      fs.is_directory(base::join(base::parent(versions), "shims")))
    return "pyenv";
  return "system";
}

void all_unknown(Interpreter& facts, const std::string& reason) {
  for (Text* fact : {&facts.version, &facts.soabi, &facts.soabi_source, &facts.machine, &facts.libc,
                     &facts.libpython, &facts.environment, &facts.prefix, &facts.base_prefix})
    *fact = Text::unknown(reason);
  facts.sys_path = Fact<std::vector<std::string>>::unknown(reason);
}

}  // namespace

ReadInterpreter read_interpreter(const base::RootFs& fs, const PythonStart& start,
                                 Result<std::optional<PythonBinary>> binary) {
  ReadInterpreter result;
  Interpreter& facts = result.facts;
  facts.path = start.interpreter;
  facts.real_path = fs.resolve(start.interpreter).value_or(start.interpreter);
  if (!binary || !*binary) {
    all_unknown(facts,
                binary ? facts.real_path + " is not recognised as Python" : binary.error().message);
    return result;
  }
  result.binary = *std::move(*binary);
  const PythonBinary& python = *result.binary;
  facts.machine = python.machine();
  facts.libc = python.libc();
  facts.libpython =
      python.libpython().empty() ? Text::absent("linked in statically") : Text(python.libpython());

  PythonRelease release = read_python_release(python);
  facts.version = release.version;
  auto home = find_python_home(fs, start, python, release);
  const Soabi soabi =
      read_soabi(fs, python, release, home ? home->stdlib : "", home ? home->lib_dynload : "");
  facts.soabi = soabi.soabi;
  facts.soabi_source = soabi.source;
  if (!home) {
    const std::string& reason = home.error().message;
    facts.environment = facts.prefix = facts.base_prefix = Text::unknown(reason);
    facts.sys_path = Fact<std::vector<std::string>>::unknown(reason);
    return result;
  }
  facts.environment = environment_of(fs, *home);
  facts.prefix = home->prefix;
  facts.base_prefix = home->base_prefix;
  result.sys_path = read_sys_path({fs, *home, release, start});
  facts.sys_path = result.sys_path.entries;
  facts.sys_path_notes = result.sys_path.notes;
  return result;
}

}  // namespace gpuinit::image
