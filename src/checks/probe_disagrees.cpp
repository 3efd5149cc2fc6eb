// probe.disagrees: the running interpreter against what was read from its files.
#include <algorithm>
#include <set>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

using Text = Fact<std::string>;
using Texts = Fact<std::vector<std::string>>;

// One thing about which the two differ.
struct Difference {
  std::string what;
  std::string files;
  std::string interpreter;
};
using Differences = std::vector<Difference>;

std::string shown(const Text& fact) { return fact ? *fact : "none"; }

// Only what both know, absence included.
bool comparable(const auto& a, const auto& b) { return !a.is_unknown() && !b.is_unknown(); }

void compare(Differences& found, const char* what, const Text& files, const Text& said) {
  if (comparable(files, said) && shown(files) != shown(said))
    found.push_back({what, shown(files), shown(said)});
}

void compare_paths(Differences& found, const char* what, const Text& files, const Text& said) {
  if (files && said && base::normalize(*files) != base::normalize(*said))
    found.push_back({what, *files, *said});
}

// "3.12" was read where the files do not have the micro version.
void compare_versions(Differences& found, const Text& files, const Text& said) {
  if (!files || !said || *files == *said || said->starts_with(*files + ".")) return;
  found.push_back({"version", *files, *said});
}

// The package's directory for "…/torch/__init__.py"; a module's file as it is.
std::string package_of(const std::string& origin) {
  const std::string path = base::normalize(origin);
  return base::basename(path).starts_with("__init__.") ? std::string(base::parent(path)) : path;
}

void compare_places(Differences& found, const Fact<Torch>& files, const Text& said) {
  if (!comparable(files, said)) return;
  const std::string read = files ? base::normalize(files->path) : "none";
  const std::string heard = said ? package_of(*said) : "none";
  if (read != heard) found.push_back({"torch", read, heard});
}

std::string words(const Texts& list) { return list ? listed(*list, 30) : "none"; }

void compare_sets(Differences& found, const char* what, const Texts& files, const Texts& said) {
  if (!comparable(files, said)) return;
  const auto set = [](const Texts& list) {
    return list ? std::set<std::string>(list->begin(), list->end()) : std::set<std::string>();
  };
  if (set(files) != set(said)) found.push_back({what, words(files), words(said)});
}

// A check of the files failed, and what it says cannot work does.
void compare_import(Differences& found, const Context& context) {
  const auto& imports = context.image.python_probe->imports;
  if (imports.empty() || imports.front().name != "torch" || !imports.front().error.empty()) return;
  for (const char* id : {"python.abi", "torch.install", "libc.version", "loader.missing",
                         "loader.version", "loader.symbol"})
    if (context.has_failed(id))
      found.push_back({"import torch", std::string("fails (") + id + ")", "works"});
}

Differences differences(const Context& context) {
  const Interpreter& python = *context.image.interpreter;
  const PythonAnswer& probe = *context.image.python_probe;
  Differences found;
  compare_versions(found, python.version, probe.version);
  compare(found, "SOABI", python.soabi, probe.soabi);
  compare_paths(found, "sys.prefix", python.prefix, probe.prefix);
  compare_paths(found, "sys.base_prefix", python.base_prefix, probe.base_prefix);
  compare_places(found, context.image.torch, probe.torch_origin);
  compare_import(found, context);
  // What is said about one torch proves nothing about another.
  if (!probe.torch || !context.image.torch || !found.empty()) return found;
  const Torch& torch = *context.image.torch;
  compare(found, "torch.__version__", torch.version, probe.torch->version);
  compare(found, "torch.version.cuda", torch.cuda, probe.torch->cuda);
  compare(found, "torch.version.hip", torch.hip, probe.torch->hip);
  compare_sets(found, "architectures", torch.arch_list, probe.torch->arch_list);
  return found;
}

Findings run(const Context& context) {
  const auto& image = context.image;
  if (!image.python_probe) {
    const std::string why = "the interpreter was not asked" + because(image.python_probe.reason());
    return context.policy.python.probe != PythonProbe::kOff ? unknown(why) : skipped(why);
  }
  const PythonAnswer& probe = *image.python_probe;
  if (!image.interpreter) return skipped("the interpreter is not known from the files");
  if (!probe.version && probe.run.outcome != ProbeRun::Outcome::kAnswered)
    return unknown("the Python probe gave no answer: " + probe.run.detail);

  const Differences found = differences(context);
  if (found.empty()) return {};
  std::vector<std::string> names;
  for (const Difference& one : found) names.push_back(one.what);
  Finding finding = failure(
      kExitImage, "the files of the image and its running interpreter differ in " + listed(names));
  add_interpreter(finding, *image.interpreter);
  for (const Difference& one : found)
    add_evidence(finding, "difference", one.what,
                 joined({one.files, " by the files, ", one.interpreter, " by the interpreter"}));
  if (!image.interpreter->sys_path_notes.empty())
    add_evidence(finding, "not followed", listed(image.interpreter->sys_path_notes, 3));
  if (probe.way != "embedded")
    add_evidence(finding, "asked", "the interpreter itself" + because(probe.because));
  finding.why =
      "One of the two is wrong, so other checks may have judged what the command does not use.";
  finding.fix =
      "Look for code that runs at Python's start (sitecustomize, .pth files). If there is none, "
      "gpuinit reads this image wrongly: please report it with the output of `gpuinit --facts`.";
  return finding;
}

}  // namespace

extern constexpr Check kProbeDisagrees{
    .id = "probe.disagrees",
    .level = Level::kWarn,
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "what the interpreter says of itself is not what was read from the files",
    .looks_at =
        "With python.probe: version, SOABI and prefixes of the interpreter, where torch would be "
        "imported from and, with \"import\", torch's version, CUDA, HIP and list of architectures, "
        "as the running interpreter says and as gpuinit read them from files. Also an `import "
        "torch` that works although a check of the files failed. It is a warning unless the policy "
        "says otherwise.",
    .why =
        "One of the two is wrong, so other checks may have judged what the command does not use. "
        "Code that runs at Python's start (sitecustomize, `import` lines in .pth files) can change "
        "what no file shows.",
    .fix =
        "Look for what runs at Python's start in this image. If there is nothing, gpuinit reads "
        "the image wrongly: please report it with the output of `gpuinit --facts`.",
    .source = "CPython, Modules/getpath.py, Lib/site.py",
    .run = run,
};

}  // namespace gpuinit::checks
