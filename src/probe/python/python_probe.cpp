#include "probe/python/python_probe.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "probe/child/child_environment.h"
#include "probe/child/conversation.h"
#include "probe/child/embedded_files.h"
#include "probe/python/python_answer_reader.h"

namespace gpuinit::probe {

namespace {

using Outcome = ProbeRun::Outcome;

constexpr char kEmbedded[] = "embedded";
constexpr char kInterpreter[] = "interpreter";

// What follows the interpreter's name, for both ways. -B: a probe leaves no files.
std::vector<std::string> arguments(const PythonProbeOptions& options) {
  std::vector<std::string> words = options.options;
  words.insert(words.end(),
               {"-B", "-c", std::string(embedded_python_script()),
                options.import ? "import" : "environment", options.runs, options.program});
  if (options.import) words.insert(words.end(), options.imports.begin(), options.imports.end());
  return words;
}

ChildProgram interpreter_itself(const PythonProbeOptions& options) {
  ChildProgram program;
  program.name = options.interpreter;
  program.installed_path = options.interpreter;
  program.for_the_command = true;
  program.arguments = arguments(options);
  program.environment = python_environment(options.environment);
  program.directory = options.directory;
  program.sandbox.kind = Sandbox::Kind::kPython;
  program.sandbox.level = options.sandbox;
  return program;
}

ChildProgram embedded_python(const PythonProbeOptions& options, const std::string& path) {
  ChildProgram program = interpreter_itself(options);
  program.name = path;
  program.installed_path = path;
  program.for_the_command = false;
  program.arguments.insert(program.arguments.begin(), options.interpreter);
  program.environment.push_back("LD_PRELOAD=" + options.libpython);
  return program;
}

struct Way {
  std::string program;  // the embedded one; empty if none fits
  std::string because;  // why none fits
};

Way find_way(const PythonProbeOptions& options) {
  if (options.libpython.empty()) return {"", options.no_libpython};
  // ld.so takes these for separators.
  if (options.libpython.find_first_of(" :\t\n") != std::string::npos)
    return {"", options.libpython + " cannot be preloaded by this name"};
  const std::string name = "/python-probe-cpython-" + options.release;
  for (const auto& directory : options.program_directories)
    if (::access((directory + name).c_str(), X_OK) == 0) return {directory + name, ""};
  return {
      "",
      "there is no " + name.substr(1) +
          (options.program_directories.empty() ? "" : " in " + options.program_directories.back())};
}

// One child, from start to end.
PythonAnswer ask(ChildProgram program, const PythonProbeOptions& options,
                 Clock::time_point deadline) {
  PythonAnswerReader lines;
  Conversation conversation(std::move(program), lines, options.timeout, deadline);
  while (conversation.hear(deadline)) {
  }
  PythonAnswer answer = lines.answer();
  answer.run = conversation.end();
  answer.run.load_error = Fact<std::string>::absent();
  answer.run.init_error = Fact<int>::absent();
  return answer;
}

// Why the embedded one's answer is not taken. Empty if it is.
std::string doubt(const PythonAnswer& answer, const PythonProbeOptions& options) {
  if (answer.run.outcome == Outcome::kTimedOut) return "";  // no time is left for another
  if (answer.run.outcome != Outcome::kAnswered) return answer.run.detail;
  const std::string& version = answer.version.value_or("");
  // "3.11" was read where the micro version is not in the files.
  if (!options.version.empty() && version != options.version &&
      !version.starts_with(options.version + "."))
    return options.libpython + " is of Python " + version;
  for (const PythonImport& import : answer.imports)
    if (!import.error.empty()) return "import " + import.name + " ended with " + import.error;
  return "";
}

// Gives each fact that was not heard the reason why.
void explain_all(PythonAnswer& answer) {
  const std::string reason = "the Python probe gave no whole answer: " + answer.run.detail;
  for (auto* fact : {&answer.version, &answer.soabi, &answer.executable, &answer.prefix,
                     &answer.base_prefix, &answer.exec_prefix, &answer.torch_origin})
    explain(*fact, reason);
  explain(answer.sys_path, reason);
  explain(answer.flags, reason);
  if (answer.torch) return;
  std::string why = "not asked for";
  if (answer.mode == "import")
    why = answer.torch_origin.is_absent() ? "there is no torch to import"
          : !answer.imports.empty() && !answer.imports.front().error.empty()
              ? "import torch ended with " + answer.imports.front().error
              : reason;
  answer.torch = Fact<PythonTorch>::unknown(why);
}

}  // namespace

PythonAnswer ask_python(const PythonProbeOptions& options) {
  const auto start = Clock::now();
  const auto deadline = start + options.timeout;
  Way way = find_way(options);
  PythonAnswer answer;
  if (!way.program.empty()) {
    answer = ask(embedded_python(options, way.program), options, deadline);
    answer.way = kEmbedded;
    if (const std::string why = doubt(answer, options); !why.empty())
      way.because = "to confirm what the embedded one said: " + why;
  }
  if (!way.because.empty()) {
    PythonAnswer own = ask(interpreter_itself(options), options, deadline);
    own.way = kInterpreter;
    own.because = way.because;
    // Out of time while confirming: what was said before is more.
    if (way.program.empty() || own.run.outcome != Outcome::kTimedOut) answer = std::move(own);
  }
  answer.mode = options.import ? "import" : "environment";
  answer.run.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  explain_all(answer);
  return answer;
}

}  // namespace gpuinit::probe
