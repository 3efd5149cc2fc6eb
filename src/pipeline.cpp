#include "pipeline.h"

#include <unistd.h>

#include <chrono>
#include <climits>
#include <optional>

#include "base/json.h"
#include "base/log.h"
#include "base/root_fs.h"
#include "checks/run_checks.h"
#include "image/read_image.h"
#include "node/read_node.h"
#include "probe/cuda_probe.h"
#include "probe/python_probe.h"
#include "report/facts_json.h"

namespace gpuinit {

namespace {

using Clock = std::chrono::steady_clock;

// Adds the time from its construction to its destruction to the timings.
class Step {
 public:
  Step(Timings& timings, const char* name) : timings_(timings), name_(name) {
    base::log_verbose(std::string(name) + ": begins");
  }
  ~Step() {
    const std::chrono::duration<double, std::milli> took = Clock::now() - start_;
    timings_.emplace_back(name_, took.count());
  }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  Timings& timings_;
  const char* name_;
  Clock::time_point start_ = Clock::now();
};

// A command starts in gpuinit's own directory; under another root there is no
// such directory, and container engines start in /.
std::string working_directory(const std::string& root) {
  char path[PATH_MAX];
  if (root != "/" || ::getcwd(path, sizeof path) == nullptr || path[0] != '/') return "/";
  return path;
}

Result<NodeFacts> node_from_file(const std::string& file) {
  auto fs = base::RootFs::open("/");
  if (!fs) return std::move(fs).error();
  const std::string path = file.starts_with('/') ? file : base::join(working_directory("/"), file);
  auto text = fs->read_file(path);
  if (!text) return std::move(text).error();
  auto json = base::parse_json(*text);
  if (!json) return std::move(json).error().context(file);
  auto node = report::node_from_json(*json);
  if (!node) return std::move(node).error().context(file);
  return node;
}

// Why the driver need not be asked; empty if it must be. A CUDA context costs
// some hundred milliseconds, and an image that needs no GPU shall not wait.
std::string reason_not_to_probe(const ImageFacts& image, const Policy& policy) {
  if (policy.gpu_required == GpuRequired::kNo) return "the policy says that no GPU is needed";
  if (policy.gpu_required == GpuRequired::kYes) return "";
  if (image.torch.known() && image.torch->cuda.known()) return "";
  return "nothing in the image needs a GPU";
}

NodeFacts node_of_this_machine(const Question& question, const ImageFacts& image,
                               const base::RootFs& machine, const Policy& policy,
                               Timings& timings) {
  const std::string no_probe = question.always_probe ? "" : reason_not_to_probe(image, policy);
  std::optional<probe::CudaProbe> running;
  if (no_probe.empty()) {
    probe::CudaProbeOptions options;
    options.context = policy.warmup_context && policy.gpu_required != GpuRequired::kNo;
    options.timeout = policy.probe_timeout;
    options.environment = question.environment;
    running.emplace(probe::CudaProbe::start(options));
  }
  NodeFacts node;
  {
    const Step step(timings, "node");
    node = node::read_node({machine, question.environment});
  }
  if (!running) {
    node.probe = Fact<ProbeRun>::unknown(no_probe);
    node.devices = Fact<std::vector<Device>>::unknown(no_probe);
    node.driver.cuda_version = Fact<std::string>::unknown(no_probe);
    return node;
  }
  const Step step(timings, "probe");
  probe::CudaProbeAnswer answer = running->collect();
  node.probe = std::move(answer.run);
  node.devices = std::move(answer.devices);
  node.driver.cuda_version = std::move(answer.cuda_version);
  return node;
}

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

Fact<PythonAnswer> ask_python(const ImageFacts& image, image::PythonStart& start,
                              const Policy& policy, Timings& timings) {
  const Step step(timings, "python");
  probe::PythonProbeOptions options;
  options.import = policy.python_probe == PythonProbe::kImport;
  options.imports = policy.python_imports;
  options.timeout = policy.probe_timeout;
  options.interpreter = std::move(start.interpreter);
  options.options = words_of(start.options);
  options.runs = word_of(start.options.runs);
  options.program = std::move(start.options.program);
  options.directory = std::move(start.working_directory);
  options.environment = std::move(start.environment);
  options.release = std::move(start.release);
  options.version = image.interpreter->version.value_or("");
  if (start.libpython) options.libpython = *start.libpython;
  else options.no_libpython = start.libpython.error().message;
  options.program_directories = program_directories();
  PythonAnswer answer = probe::ask_python(options);
  if (!answer.because.empty())
    base::log_verbose("python: the interpreter itself was asked: " + answer.because);
  return answer;
}

// Why the interpreter is not to be asked; empty if it is.
std::string reason_not_to_ask_python(const Question& question, const ImageFacts& image,
                                     const Policy& policy) {
  if (policy.python_probe == PythonProbe::kOff)
    return "the policy does not ask for it (python.probe)";
  if (question.root != "/") return "the image is not running here";
  if (!image.interpreter) return "no interpreter: " + image.interpreter.reason();
  return "";
}

}  // namespace

Result<Facts> gather_facts(const Question& question, const Policy& policy, Timings& timings) {
  auto root = base::RootFs::open(question.root);
  if (!root) return std::move(root).error().context("--root");
  Facts facts;
  std::optional<image::PythonStart> python;
  {
    const Step step(timings, "image");
    const image::ImageQuery query{*root,
                                  question.root,
                                  question.command,
                                  question.environment,
                                  working_directory(question.root),
                                  policy.python_interpreter,
                                  {policy.extensions_include, policy.extensions_exclude}};
    facts.image = policy.python_probe == PythonProbe::kOff ? image::read_image(query)
                                                           : image::read_image(query, python);
  }
  if (!question.node_file.empty()) {
    auto node = node_from_file(question.node_file);
    if (!node) return std::move(node).error().context("--node");
    facts.node = std::move(node).value();
  } else {
    auto machine = base::RootFs::open("/");
    if (!machine) return std::move(machine).error();
    facts.node = node_of_this_machine(question, facts.image, *machine, policy, timings);
  }
  // After the CUDA probe: two that start at once only wait for each other's disk.
  if (const std::string reason = reason_not_to_ask_python(question, facts.image, policy);
      !reason.empty()) {
    facts.image.python_probe = Fact<PythonAnswer>::unknown(reason);
  } else if (python) {
    facts.image.python_probe = ask_python(facts.image, *python, policy, timings);
  }
  return facts;
}

Result<Judgement> judge(const Question& question, const Policy& policy) {
  const auto start = Clock::now();
  Judgement judgement;
  auto facts = gather_facts(question, policy, judgement.timings);
  if (!facts) return std::move(facts).error();
  judgement.facts = std::move(facts).value();
  {
    const Step step(judgement.timings, "checks");
    judgement.findings = checks::run_checks(judgement.facts, policy);
    judgement.verdict = checks::judge(judgement.findings);
  }
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  judgement.timings.emplace_back("total", took.count());
  return judgement;
}

}  // namespace gpuinit
