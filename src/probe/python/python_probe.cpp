#include "probe/python/python_probe.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/seconds_text.h"
#include "probe/child/child.h"
#include "probe/python/embedded_python_script.h"
#include "probe/python/python_environment.h"
#include "probe/python/python_lines.h"

namespace gpuinit::probe {

namespace {

using Outcome = ProbeRun::Outcome;
using State = PythonLines::State;

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
  std::string program;  // of the embedded one; empty: there is none that fits
  std::string because;  // then: why
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
class Run {
 public:
  Run(const ChildProgram& program, std::chrono::milliseconds timeout, Clock::time_point deadline)
      : timeout_(timeout), deadline_(deadline), child_(program) {}

  PythonAnswer result() {
    listen();
    child_.kill_and_reap();
    PythonAnswer answer = lines_.answer();
    judge(answer.run);
    child_.describe(answer.run);
    answer.run.last_step = lines_.last_step();
    answer.run.load_error = Fact<std::string>::absent();
    answer.run.init_error = Fact<int>::absent();
    return answer;
  }

 private:
  void listen() {
    std::string output;
    while (!lines_.finished()) {
      output.clear();
      const auto event = child_.wait(output, deadline_);
      lines_.feed(output);
      if (event == Child::Event::kEnded) return;
      if (event == Child::Event::kDeadline) {
        timed_out_ = true;
        return;
      }
    }
  }

  std::string where() const {
    return lines_.last_step().empty() ? " before its first step" : " in " + lines_.last_step();
  }

  void say(ProbeRun& run, Outcome outcome, std::string detail) const {
    run.outcome = outcome;
    run.detail = std::move(detail);
  }

  // The first cause wins.
  void judge(ProbeRun& run) const {
    if (const Error* error = child_.start_error())
      return say(run, Outcome::kNotStarted, error->message);
    switch (lines_.state()) {
      case State::kWhole:
        return say(run, Outcome::kAnswered, "");
      case State::kGarbled:
        return say(run, Outcome::kGarbled, lines_.wrong() + where());
      case State::kNotStarted:
        return say(run, Outcome::kNotStarted, lines_.wrong());
      case State::kNoLoader:
        return say(run, Outcome::kNoLoader, lines_.wrong());
      case State::kPartial:
        break;
    }
    if (timed_out_) {
      say(run, Outcome::kTimedOut,
          "no whole answer within " + base::seconds_text(timeout_) + "; it was" + where());
      if (child_.abandoned()) run.detail += ", and SIGKILL did not end it";
      return;
    }
    const auto& end = child_.end();
    if (!end.known) return say(run, Outcome::kExited, "ended without a whole answer" + where());
    if (end.signal != 0) return say(run, Outcome::kCrashed, child_.how_it_ended() + where());
    std::string status = child_.how_it_ended() + where();
    if (end.status == Child::kLoaderFailed && lines_.last_step().empty())
      status += ": the loader could not start it";
    say(run, Outcome::kExited, std::move(status));
  }

  std::chrono::milliseconds timeout_;
  Clock::time_point deadline_;
  Child child_;
  PythonLines lines_;
  bool timed_out_ = false;
};

// Why the embedded one's answer is not taken; empty: it is.
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

// Says of what was not heard why.
void explain(PythonAnswer& answer) {
  const std::string reason = "the Python probe gave no whole answer: " + answer.run.detail;
  for (Fact<std::string>* fact :
       {&answer.version, &answer.soabi, &answer.executable, &answer.prefix, &answer.base_prefix,
        &answer.exec_prefix, &answer.torch_origin})
    if (*fact == Fact<std::string>()) *fact = Fact<std::string>::unknown(reason);
  for (Fact<std::vector<std::string>>* fact : {&answer.sys_path, &answer.flags})
    if (*fact == Fact<std::vector<std::string>>())
      *fact = Fact<std::vector<std::string>>::unknown(reason);
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
    answer = Run(embedded_python(options, way.program), options.timeout, deadline).result();
    answer.way = kEmbedded;
    if (const std::string why = doubt(answer, options); !why.empty())
      way.because = "to confirm what the embedded one said: " + why;
  }
  if (!way.because.empty()) {
    PythonAnswer own = Run(interpreter_itself(options), options.timeout, deadline).result();
    own.way = kInterpreter;
    own.because = way.because;
    // Out of time while confirming: what was said before is more.
    if (way.program.empty() || own.run.outcome != Outcome::kTimedOut) answer = std::move(own);
  }
  answer.mode = options.import ? "import" : "environment";
  answer.run.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  explain(answer);
  return answer;
}

}  // namespace gpuinit::probe
