#include "image/start/start_needs.h"

#include <algorithm>

#include "base/text.h"
#include "image/start/passwd.h"
#include "image/start/path_search.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;

// What the checks user, toolchain, writable and threads heed.
constexpr std::string_view kVariables =
    "CC FLASHINFER_WORKSPACE_BASE HOME LNAME LOGNAME OMP_NUM_THREADS OPENBLAS_NUM_THREADS TEMP TMP "
    "TMPDIR TRITON_CACHE_DIR TRITON_HOME TRITON_LIBCUDA_PATH TRITON_PTXAS_BLACKWELL_PATH "
    "TRITON_PTXAS_PATH USER USERNAME VLLM_CACHE_ROOT XDG_CACHE_HOME";

// Whether somebody else than /etc/passwd may name a user.
bool may_be_named_elsewhere(const base::RootFs& fs, const base::Environment& environment) {
  constexpr std::string_view kSilent = " files compat systemd sss ";  // without their sockets
  if (base::variable(environment, "LD_PRELOAD").find("nss_wrapper") != std::string::npos ||
      fs.is_directory("/run/systemd/userdb") || fs.stat("/var/lib/sss/pipes/nss"))
    return true;
  const std::string text = fs.read_file("/etc/nsswitch.conf").value_or("");
  for (const std::string_view line : base::split_lines(text)) {
    if (!line.starts_with("passwd:")) continue;
    for (const std::string_view word : base::split_words(line.substr(7))) {
      if (word.starts_with('#')) break;
      if (!word.starts_with('[') && kSilent.find(" " + std::string(word) + " ") == kSilent.npos)
        return true;
    }
  }
  return false;
}

Text known_if(bool there, std::string path) {
  if (!there) return Text::absent(path + " is not there");
  return path;
}

// Source: Triton, python/triton/runtime/build.py: CC is taken as it is, gcc comes before clang.
Text find_compiler(const base::RootFs& fs, const PythonStart& start) {
  const std::string path = search_path_of(start.environment);
  const auto cc = start.environment.find("CC");
  const bool has_cc = cc != start.environment.end();
  for (const std::string& name : {has_cc ? cc->second : std::string("gcc"), std::string("clang")}) {
    auto found = find_program(fs, name, path, start.working_directory);
    if (found) return *std::move(found);
    if (has_cc) return Text::absent("CC is " + name);
  }
  return Text::absent("gcc and clang on PATH");
}

// sysconfig's "include": base_prefix/include/python3.12, with a `t` or `d` as in its ABI tag.
Text find_python_header(const base::RootFs& fs, const Interpreter& python) {
  const std::string soabi = python.soabi.value_or("");
  if (!python.version || !python.base_prefix || !soabi.starts_with("cpython-"))
    return Text::unknown("the interpreter is not known well enough");
  const std::string& version = *python.version;
  std::string path = base::join(*python.base_prefix, "include/python");
  path += version.substr(0, version.find('.', version.find('.') + 1));
  const char flag = soabi[std::min(soabi.find_first_not_of("0123456789", 8), soabi.size() - 1)];
  if (flag == 't' || flag == 'd') path += flag;
  path += "/Python.h";
  return known_if(fs.is_file(path), path);
}

}  // namespace

void read_user(const ImageQuery& query, const Start& start, ImageFacts& facts) {
  const Exec& exec = start.exec;
  if (facts.program.is_unknown()) {
    facts.variables = Fact<base::Environment>::unknown(facts.program.reason());
    facts.user_name = Text::unknown(facts.program.reason());
    return;
  }
  base::Environment variables;
  bool known = true;
  for (const std::string_view word : base::split_words(kVariables)) {
    const std::string name(word);
    const auto set = exec.environment.find(name);
    if (set != exec.environment.end()) variables.insert(*set);
    // A launcher may choose this one itself.
    else if (exec.unknown_variables.contains(name) && name == "OMP_NUM_THREADS")
      variables[name] = "";
    else known = known && !exec.unknown_variables.contains(name);
  }
  if (known) facts.variables = std::move(variables);
  else facts.variables = Fact<base::Environment>::unknown("only the command itself knows");
  if (!exec.uid) {
    facts.user_name = Text::unknown("it is not known whose process the command will be");
    return;
  }
  facts.uid = std::uint64_t{*exec.uid};
  auto user = find_user(query.fs, std::to_string(*exec.uid));
  if (user && !user->name.empty()) facts.user_name = std::move(user->name);
  else if (may_be_named_elsewhere(query.fs, exec.environment))
    facts.user_name = Text::unknown("another service than /etc/passwd may name the user");
  else facts.user_name = Text::absent("no line of /etc/passwd has it");
}

void read_toolchain(const base::RootFs& fs, const PythonStart& start, ImageFacts& facts) {
  if (!facts.torch) return;
  constexpr const char* kLdconfig = "/sbin/ldconfig";
  facts.compiler = find_compiler(fs, start);
  facts.python_header = find_python_header(fs, *facts.interpreter);
  facts.ldconfig = known_if(fs.is_file(kLdconfig), kLdconfig);
}

}  // namespace gpuinit::image
