#include "assess/ask_python.h"

#include <unistd.h>

#include <climits>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/root_fs.h"
#include "probe/python/python_probe.h"

namespace gpuinit::assess {

namespace {

const char* word_of(image::PythonOptions::Runs runs) {
  switch (runs) {
    case image::PythonOptions::Runs::kScript:
      return "script";
    case image::PythonOptions::Runs::kModule:
      return "module";
    case image::PythonOptions::Runs::kCommand:
      return "command";
    case image::PythonOptions::Runs::kInteractive:
      return "interactive";
    case image::PythonOptions::Runs::kUnknown:
    case image::PythonOptions::Runs::kNothing:
      break;
  }
  return "nothing";
}

std::vector<std::string> words_of(const image::PythonOptions& options) {
  if (options.isolated)
    return options.no_site ? std::vector<std::string>{"-I", "-S"} : std::vector<std::string>{"-I"};
  std::vector<std::string> words;
  if (options.ignore_environment) words.emplace_back("-E");
  if (options.no_user_site) words.emplace_back("-s");
  if (options.safe_path) words.emplace_back("-P");
  if (options.no_site) words.emplace_back("-S");
  return words;
}

// The programs that were installed with this gpuinit, then the usual place.
std::vector<std::string> program_directories() {
  std::vector<std::string> directories{"/usr/libexec/gpuinit"};
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size > 0 && size < static_cast<ssize_t>(sizeof path)) {
    const std::string_view prefix =
        base::parent(base::parent({path, static_cast<std::size_t>(size)}));
    directories.insert(directories.begin(), base::join(prefix, "libexec/gpuinit"));
  }
  return directories;
}

// Why the interpreter is not to be asked; empty if it is.
std::string reason_not_to_ask_python(const AssessRequest& request, const ImageFacts& image,
                                     const Policy& policy) {
  if (policy.python.probe == PythonProbe::kOff)
    return "the policy does not ask for it (python.probe)";
  if (request.root != "/") return "the image is not running here";
  if (!image.interpreter) return "no interpreter: " + image.interpreter.reason();
  return "";
}

}  // namespace

Fact<PythonAnswer> ask_python(const AssessRequest& request, const ImageFacts& image,
                              const std::optional<image::PythonStart>& start,
                              const Policy& policy) {
  std::string reason = reason_not_to_ask_python(request, image, policy);
  if (reason.empty() && !start) reason = "how to start the interpreter is not known";
  if (!reason.empty()) return Fact<PythonAnswer>::unknown(reason);
  probe::PythonProbeOptions options;
  options.import = policy.python.probe == PythonProbe::kImport;
  options.imports = policy.python.imports;
  options.timeout = policy.probe.timeout;
  options.sandbox = policy.probe.sandbox;
  options.interpreter = start->interpreter;
  options.options = words_of(start->options);
  options.runs = word_of(start->options.runs);
  options.program = start->options.program;
  options.directory = start->working_directory;
  options.environment = start->environment;
  options.release = start->release;
  options.version = image.interpreter->version.value_or("");
  if (start->libpython) options.libpython = *start->libpython;
  else options.no_libpython = start->libpython.error().message;
  options.program_directories = program_directories();
  PythonAnswer answer = probe::ask_python(options);
  if (!answer.because.empty())
    base::log_verbose("python: the interpreter itself was asked: " + answer.because);
  return answer;
}

}  // namespace gpuinit::assess
