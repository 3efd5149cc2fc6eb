#include "image/start/start_needs.h"

#include <algorithm>

#include "base/text.h"
#include "image/start/passwd.h"
#include "image/start/path_search.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;

// What the checks user, toolchain, writable and threads heed. Empty values are kept.
constexpr const char* kVariables[] = {"CC",
                                      "FLASHINFER_WORKSPACE_BASE",
                                      "HOME",
                                      "LNAME",
                                      "LOGNAME",
                                      "OMP_NUM_THREADS",
                                      "OPENBLAS_NUM_THREADS",
                                      "TEMP",
                                      "TMP",
                                      "TMPDIR",
                                      "TORCHINDUCTOR_CACHE_DIR",
                                      "TRITON_CACHE_DIR",
                                      "TRITON_HOME",
                                      "TRITON_LIBCUDA_PATH",
                                      "TRITON_PTXAS_BLACKWELL_PATH",
                                      "TRITON_PTXAS_PATH",
                                      "USER",
                                      "USERNAME",
                                      "VLLM_CACHE_ROOT",
                                      "XDG_CACHE_HOME"};

// Who else than /etc/passwd may name a user. Empty: nobody.
std::string other_names(const base::RootFs& fs, const base::Environment& environment) {
  if (base::variable(environment, "LD_PRELOAD").find("nss_wrapper") != std::string::npos)
    return "nss_wrapper is preloaded";
  const std::string text = fs.read_file("/etc/nsswitch.conf").value_or("");
  for (const std::string_view line : base::split_lines(text)) {
    if (!line.starts_with("passwd:")) continue;
    for (const std::string_view word : base::split_words(line.substr(7))) {
      if (word.starts_with('#')) break;
      const bool is_silent = word == "files" || word == "compat" || word.starts_with('[') ||
                             word.ends_with(']') ||
                             (word == "systemd" && !fs.is_directory("/run/systemd/userdb")) ||
                             (word == "sss" && !fs.stat("/var/lib/sss/pipes/nss"));
      if (!is_silent) return "nsswitch.conf also asks " + std::string(word);
    }
  }
  return "";
}

RunUser user_of(const base::RootFs& fs, const base::Environment& environment, unsigned uid) {
  RunUser user;
  user.uid = uid;
  auto found = find_user(fs, std::to_string(uid));
  if (found && !found->name.empty()) {
    user.name = std::move(found->name);
    return user;
  }
  const std::string other = other_names(fs, environment);
  user.name = other.empty() ? Text::absent("no line of /etc/passwd has it") : Text::unknown(other);
  return user;
}

Text found_or_absent(const base::RootFs& fs, std::string path) {
  return fs.is_file(path) ? Text(std::move(path)) : Text::absent(path + " is not there");
}

// Source: Triton, python/triton/runtime/build.py: CC is taken as it is, gcc comes before clang.
Text find_compiler(const base::RootFs& fs, const base::Environment& environment,
                   const std::string& working_directory) {
  const std::string path = search_path_of(environment);
  const auto find = [&](std::string_view name) {
    auto found = find_program(fs, name, path, working_directory);
    return found ? Text(*std::move(found)) : Text::absent(found.error().message);
  };
  const auto cc = environment.find("CC");
  if (cc != environment.end()) return find(cc->second);
  Text compiler = find("gcc");
  if (!compiler) compiler = find("clang");
  return compiler ? compiler : Text::absent("neither gcc nor clang is on PATH, and CC is not set");
}

// sysconfig's "include": base_prefix/include/python3.12, with a `t` or `d` as in its ABI tag.
Text find_python_header(const base::RootFs& fs, const Interpreter& python) {
  constexpr std::string_view kTag = "cpython-";
  const std::string soabi = python.soabi.value_or("");
  if (!python.version || !python.base_prefix || !soabi.starts_with(kTag))
    return Text::unknown("the interpreter is not known well enough");
  const std::string_view version = *python.version;
  const auto tag = std::string_view(soabi).substr(kTag.size());
  const std::string_view digits = tag.substr(0, tag.find('-'));
  const auto flags = digits.substr(std::min(digits.find_first_not_of("0123456789"), digits.size()));
  std::string name = "include/python";
  name += version.substr(0, version.find('.', version.find('.') + 1));
  name += flags;
  return found_or_absent(fs, base::join(*python.base_prefix, name + "/Python.h"));
}

}  // namespace

void read_user(const ImageQuery& query, const Start& start, ImageFacts& facts) {
  using Variables = std::map<std::string, std::string>;
  if (facts.program.is_unknown()) {
    facts.variables = Fact<Variables>::unknown(facts.program.reason());
    facts.user = Fact<RunUser>::unknown(facts.program.reason());
    return;
  }
  Variables variables;
  for (const char* name : kVariables) {
    if (start.exec.unknown_variables.contains(name) &&
        std::string_view(name) == "OMP_NUM_THREADS") {
      variables.emplace(name, "");
    } else if (start.exec.unknown_variables.contains(name)) {
      facts.variables = Fact<Variables>::unknown(std::string("only the command knows ") + name);
      break;
    }
    const auto set = start.exec.environment.find(name);
    if (set != start.exec.environment.end()) variables.insert(*set);
  }
  if (facts.variables.reason() == Fact<Variables>().reason())
    facts.variables = std::move(variables);
  if (start.exec.uid) facts.user = user_of(query.fs, start.exec.environment, *start.exec.uid);
  else facts.user = Fact<RunUser>::unknown("it is not known whose process the command will be");
}

void read_toolchain(const base::RootFs& fs, const base::Environment& environment,
                    const std::string& working_directory, ImageFacts& facts) {
  if (!facts.torch) {
    facts.toolchain = facts.torch.is_absent() ? Fact<Toolchain>::absent("there is no torch")
                                              : Fact<Toolchain>::unknown(facts.torch.reason());
    return;
  }
  facts.toolchain =
      Toolchain{find_compiler(fs, environment, working_directory),
                find_python_header(fs, *facts.interpreter), found_or_absent(fs, "/sbin/ldconfig")};
}

}  // namespace gpuinit::image
