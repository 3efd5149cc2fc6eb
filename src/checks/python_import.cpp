// python.import: what became of the imports that the Python probe tried.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "checks/check.h"
#include "checks/extension_problems.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

constexpr std::size_t kTracebackLines = 6;  // shown; the facts have more

// A signal that a process brings upon itself.
constexpr std::array<std::string_view, 6> kOwnFault{"SIGSEGV", "SIGABRT", "SIGBUS",
                                                    "SIGILL",  "SIGFPE",  "SIGTRAP"};

// What libraries say where there is no GPU or no driver, in lower case.
constexpr std::array<std::string_view, 9> kAskForGpu{
    "libcuda.so",   "nvidia driver",       "cuda driver",
    "no cuda gpus", "cuda-capable device", "active drivers",
    "nvml",         "libnvidia-ml.",       "cuda_error_no_device"};

bool asks_for_gpu(const std::string& message) {
  const std::string lower = base::lower(message);
  return std::any_of(kAskForGpu.begin(), kAskForGpu.end(), [&](std::string_view words) {
    return lower.find(words) != std::string::npos;
  });
}

// The sandbox refuses with these errors, and what the module then makes of it need not be
// what happens in the command. A missing module or symbol is never the sandbox's doing.
bool may_be_the_sandbox(const PythonImport& import, const ProbeRun& run) {
  if (run.sandbox.empty() || run.sandbox.starts_with("none")) return false;
  constexpr std::array<std::string_view, 3> kRefusals{"Operation not permitted",
                                                      "Permission denied", "Read-only file system"};
  for (const std::string_view words : kRefusals)
    if (import.message.find(words) != std::string::npos) return true;
  if (import.error == "PermissionError" || import.error == "OSError") return true;
  return !run.refused_calls.empty() && import.error != "ImportError" &&
         import.error != "ModuleNotFoundError" && import.error != "SyntaxError" &&
         import.error != "NameError";
}

constexpr std::string_view kSandbox =
    ", in the probe's sandbox, which may be the cause: probe.sandbox = \"off\" would show";

// "ImportError: libfoo.so: cannot open shared object file": one line.
std::string exception_of(const PythonImport& import) {
  const std::string line = import.message.substr(0, import.message.find('\n'));
  return import.error + (line.empty() ? "" : ": " + line);
}

void add_probe(Finding& finding, const Context& context) {
  const PythonAnswer& probe = *context.image.python_probe;
  if (context.image.interpreter) add_interpreter(finding, *context.image.interpreter);
  if (probe.way == "embedded")
    add_evidence(finding, "asked", "its libpython in a program of gpuinit");
  else add_evidence(finding, "asked", "the interpreter itself" + because(probe.because));
}

void add_traceback(Finding& finding, const PythonImport& import) {
  auto lines = base::split_lines(import.traceback);
  if (lines.size() > kTracebackLines) lines.erase(lines.begin(), lines.end() - kTracebackLines);
  const char* label = "traceback";
  for (const auto line : lines) {
    if (base::trim(line).empty()) continue;
    add_evidence(finding, "traceback", label, std::string(line));
    label = "";
  }
}

// A check of the files failed for the same reason.
std::optional<Finding> already_reported(const Context& context, const std::string& name) {
  if (name == "torch")
    return context.skip_if_failed(
        "python.abi torch.install loader.missing loader.version loader.symbol libc.version "
        "platform");
  if (!context.suppressed_by("extension.abi") || !context.image.extensions) return std::nullopt;
  const std::string package = name.substr(0, name.find('.'));
  for (const Extension& extension : *context.image.extensions)
    if (extension.package == package && problem_of(extension, context.image))
      return skipped("extension.abi failed");
  return std::nullopt;
}

constexpr char kWhy[] = "The command would end the same way when it imports the module.";
constexpr char kFix[] =
    "Install the package again for this Python and this torch, or take the name out of "
    "python.imports if the command does not need it.";

Finding failed_import(const Context& context, const PythonImport& import) {
  const std::string exception = exception_of(import);
  if (asks_for_gpu(import.message) && !context.sees_devices()) {
    if (auto skip = context.skip_if_failed(kCausesOfNoDevice)) return *std::move(skip);
    return unknown(
        joined({"import ", import.name,
                " asks for a GPU or its driver, and none is visible here: ", exception}));
  }
  if (auto finding = already_reported(context, import.name)) return *std::move(finding);
  if (may_be_the_sandbox(import, context.image.python_probe->run))
    return unknown(joined({"import ", import.name, " fails: ", exception, kSandbox}));
  Finding finding = failure(kExitImage, joined({"import ", import.name, " fails: ", exception}));
  finding.about = {import.name};
  add_probe(finding, context);
  add_traceback(finding, import);
  std::vector<std::string> others;
  for (const PythonImport& other : context.image.python_probe->imports)
    if (&other != &import && !other.error.empty())
      others.push_back(other.name + " (" + exception_of(other) + ")");
  if (!others.empty()) add_evidence(finding, "fail too", listed(others));
  finding.why = kWhy;
  finding.fix = kFix;
  return finding;
}

// The probe ended, or was ended, before it was done.
Finding broken_off(const Context& context) {
  using Outcome = ProbeRun::Outcome;
  const ProbeRun& run = context.image.python_probe->run;
  constexpr std::string_view kImport = "import ";
  const bool importing = run.last_step.starts_with(kImport);
  const bool own_fault =
      run.outcome == Outcome::kExited ||
      (run.outcome == Outcome::kCrashed &&
       std::any_of(kOwnFault.begin(), kOwnFault.end(), [&](std::string_view name) {
         return run.detail.starts_with("ended by " + std::string(name));
       }));
  const bool out_of_our_hands =
      run.outcome == Outcome::kTimedOut || run.outcome == Outcome::kCrashed;
  if (!importing || !(own_fault || out_of_our_hands))
    return unknown("the Python probe did not come to its end: " + run.detail);
  const std::string name = run.last_step.substr(kImport.size());
  if (auto finding = already_reported(context, name)) return *std::move(finding);
  if (!run.refused_calls.empty())
    return unknown(joined({"import ", name, " does not come to its end: ", run.detail, kSandbox}));
  const std::string summary = joined({"import ", name, " does not come to its end: ", run.detail});
  Finding finding = own_fault ? failure(kExitImage, summary) : warning(summary);
  finding.about = {name};
  add_probe(finding, context);
  finding.why = kWhy;
  if (own_fault) {
    finding.fix =
        joined({"Run `", context.image.interpreter ? context.image.interpreter->path : "python",
                " -X faulthandler -c 'import ", name, "'` in the image to see where. ", kFix});
  } else {
    finding.fix = run.outcome == Outcome::kTimedOut
                      ? "Raise probe.timeout if the image's files come from a slow disk."
                      : "Raise the container's memory limit if it was the kernel that ended it.";
  }
  return finding;
}

Findings run(const Context& context) {
  const auto& probe = context.image.python_probe;
  const auto& imports = context.policy.python.imports;
  if (!imports.empty() && context.policy.python.probe != PythonProbe::kImport) {
    Finding finding = warning(joined({"nothing imports ", listed(imports),
                                      ", since python.probe of the policy is not \"import\""}));
    finding.about = imports;
    finding.why = "python.imports alone asks nothing: no Python is run.";
    finding.fix = "Set python.probe = \"import\", or take python.imports out of the policy.";
    return finding;
  }
  if (!probe) {
    const std::string why = "no imports were tried" + because(probe.reason());
    return context.policy.python.probe == PythonProbe::kImport ? unknown(why) : skipped(why);
  }
  if (probe->mode != "import") return skipped("no imports were asked for");
  for (const PythonImport& import : probe->imports)
    if (!import.error.empty()) return failed_import(context, import);
  if (probe->run.outcome != ProbeRun::Outcome::kAnswered) return broken_off(context);
  return {};
}

}  // namespace

extern constexpr Check kPythonImport{
    .id = "python.import",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "torch or a module of python.imports cannot be imported",
    .looks_at =
        "With python.probe = \"import\": a child process runs the command's own interpreter, with "
        "the command's options, environment and directory, and imports torch, if there is one, and "
        "then each name of python.imports. The exception and its traceback are shown as Python "
        "gives them. An import that crashes or ends the process fails; one that does not end "
        "within probe.timeout, or is killed from outside (out of memory), is a warning. An import "
        "that asks for a GPU where none is visible decides nothing. What a check of the files has "
        "already failed for is not reported twice.",
    .why = "The command would end with the same exception when it imports the module.",
    .fix =
        "Read the last line of the exception: it names the module, library or symbol that is "
        "missing. Install the package again for this Python and this torch, or take a name out of "
        "python.imports that the command does not need.",
    .source = "Python documentation, \"The import system\"",
    .run = run,
};

}  // namespace gpuinit::checks
