// extension.abi: an extension was built for another Python, torch or C++ ABI.
//
// One finding a package. What the policy asks for (extensions.include) fails, the rest is
// worth a warning: whether the command imports it is not known.
#include <algorithm>

#include "base/glob.h"
#include "base/library_names.h"
#include "base/root_fs.h"
#include "base/text.h"
#include "checks/check.h"
#include "checks/extension_problems.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "checks/loaded_at_import.h"
#include "checks/loader_names.h"
#include "rules/soabi.h"

namespace gpuinit::checks {

namespace {

using Fault = ExtensionFault;

constexpr std::size_t kShown = 6;

// What keeps extensions from loading, and what of it is only worth a note.
struct Problems {
  std::vector<ExtensionProblem> told;
  std::vector<ExtensionProblem> notes;
};

// The package does without this one: another of its extensions loads, and this was built for
// another Python, processor, torch or CUDA; or it is numbered by torch's release, and the code
// that opens it knows what to do where none has the number.
bool is_spare(const ExtensionProblem& problem, const ImageFacts& image) {
  const Extension& extension = *problem.extension;
  // A part of the package for torch, which it opens itself, and has other parts.
  if (extension.beside_independent && extension.init_function.is_absent() && !extension.asked_for &&
      base::basename(extension.path).find("torch") != std::string_view::npos)
    return true;
  const bool of_another = problem.fault <= Fault::kPython2;
  const bool torch = is_for_torch(extension, image) == Tristate::kNo;
  const bool cuda = is_for_cuda(extension, image) == Tristate::kNo;
  if (!of_another && !torch && !cuda) return false;
  if (torch && extension.init_function.is_absent() && !extension.asked_for) return true;
  return std::ranges::any_of(*image.extensions, [&](const Extension& other) {
    return other.package == extension.package && !problem_of(other, image);
  });
}

// For each group of alternatives none of which loads, the problem of the one that would be
// chosen.
Problems problems_in(const Context& context) {
  const ImageFacts& image = context.image;
  Problems found;
  for (const auto& group : alternatives(*image.extensions)) {
    std::vector<ExtensionProblem> problems;
    for (const Extension* extension : group)
      if (auto problem = problem_of(*extension, image)) problems.push_back(*std::move(problem));
    const bool one_loads = problems.size() < group.size();
    if (std::string wanted = missing_by_name(group, image);
        !wanted.empty() && !context.variable("BNB_CUDA_VERSION")) {
      found.told.push_back({group.back(), Fault::kNumber, std::move(wanted)});
      continue;
    }
    if (problems.empty()) continue;
    // An alternative that the policy names is no longer an alternative.
    bool named = false;
    for (const ExtensionProblem& problem : problems) {
      if (!is_named(*problem.extension, context.policy)) continue;
      found.told.push_back(problem);
      named = true;
    }
    if (one_loads || named) continue;
    const auto fitting = std::ranges::find_if(problems, [&](const ExtensionProblem& problem) {
      return is_for_torch(*problem.extension, image) != Tristate::kNo &&
             is_for_cuda(*problem.extension, image) != Tristate::kNo;
    });
    const ExtensionProblem& first = fitting != problems.end() ? *fitting : problems.front();
    // One that lacks FFmpeg is nothing; where all alternatives do, it can be looked up, and is
    // told where the command imports the package.
    if (first.fault == Fault::kOptional && group.size() == 1) continue;
    const bool note = first.fault == Fault::kOptional
                          ? asked_for_by(*first.extension, image).empty()
                          : is_spare(first, image);
    (note ? found.notes : found.told).push_back(first);
  }
  return found;
}

// "sgl_kernel.flash_ops", and a library by its file: "bitsandbytes/libbitsandbytes_cuda118.so".
std::string name_of(const Extension& extension) {
  std::string name(relative_path(extension));
  if (!extension.init_function) return name;
  name.resize(std::min(name.find('.', name.rfind('/') + 1), name.size()));
  std::ranges::replace(name, '/', '.');
  return name;
}

// For [[accept]]: "torchvision/_C.so", and "flash-attn/flash_attn_2_cuda.cpython-312….so".
std::string thing_of(const Extension& extension) {
  const std::string_view path = relative_path(extension);
  if (path.find('/') != std::string_view::npos || extension.distribution.empty())
    return std::string(path);
  return joined({extension.distribution, "/", path});
}

std::string torch_words(const ImageFacts& image) {
  return joined({"torch ", image.torch ? image.torch->version.value_or("") : ""});
}

// Where a wheel has the library that the loader does not find. Empty: in no wheel.
std::string directory_elsewhere(const ExtensionProblem& problem) {
  const auto& missing = problem.extension->problems.missing;
  const auto found = std::ranges::find(missing, problem.detail, &MissingLibrary::name);
  if (found == missing.end() || found->elsewhere.empty()) return "";
  return std::string(base::parent(found->elsewhere.front()));
}

// Why the loader does not take a library that is there: "/a/libx.so: not an ELF file". Empty: it is
// not there.
std::string refusal(const ExtensionProblem& problem) {
  const auto& missing = problem.extension->problems.missing;
  const auto found = std::ranges::find(missing, problem.detail, &MissingLibrary::name);
  return found != missing.end() && found->reason.starts_with('/') ? found->reason : std::string();
}

// Of the package: "was built for …".
std::string verb_of(const ExtensionProblem& problem, const ImageFacts& image) {
  switch (problem.fault) {
    case Fault::kMachine:
      return joined({"was compiled for ", problem.detail, ", and the interpreter is ",
                     *image.interpreter->machine});
    case Fault::kSoabi:
      if (rules::soabi_words(problem.detail) == rules::soabi_words(*image.interpreter->soabi))
        return joined({"was compiled for ", problem.detail, ", and the interpreter is ",
                       *image.interpreter->soabi});  // musl and glibc
      return joined({"was compiled for ", rules::soabi_words(problem.detail),
                     ", and the command runs ", rules::soabi_words(*image.interpreter->soabi)});
    case Fault::kPython2:
      return joined({"was compiled for another Python: ", base::basename(problem.extension->path),
                     " has no PyInit_", std::string_view(problem.detail).substr(4)});
    case Fault::kNumber:
      return joined(
          {"is not the one for ", torch_words(image), ", and there is no ", problem.detail});
    case Fault::kLibrary:
    case Fault::kOptional:
      if (const std::string directory = directory_elsewhere(problem); !directory.empty())
        return joined(
            {"needs ", problem.detail, ", and the loader does not look into ", directory});
      if (std::string reason = refusal(problem); !reason.empty())
        return joined({"cannot be loaded: ", reason});
      return joined({"needs ", problem.detail, ", which is nowhere to be found"});
    case Fault::kVersion:
      return joined({"needs ", problem.detail, ", and the one found is older"});
    case Fault::kCxxAbi:
      return joined({"was built with the other C++ ABI than ", torch_words(image)});
    case Fault::kTorch:
      return joined({"was built for another torch than ", torch_words(image)});
    case Fault::kPython:
      return "needs Python functions that this interpreter does not have";
    case Fault::kCuda:
      break;
  }
  return "needs CUDA functions that the libraries found do not have";
}

std::string why_of(const ExtensionProblem& problem) {
  switch (problem.fault) {
    case Fault::kMachine:
      return "The loader refuses a library of another processor.";
    case Fault::kSoabi:
      if (problem.extension->package == "numpy")
        return "torch passes over a NumPy that is not there, and over no other: `import torch` "
               "would "
               "end with NumPy's \"ImportError\".";
      return "Python imports extensions under its own ABI tag only: \"ModuleNotFoundError\".";
    case Fault::kPython2:
      return joined(
          {"Its import would end with \"dynamic module does not define module export function "
           "(PyInit_",
           std::string_view(problem.detail).substr(4), ")\": only Python 2 calls ", problem.detail,
           "."});
    case Fault::kNumber:
      return joined(
          {"The package opens its library by a name with the version of torch or CUDA in "
           "it: \"Cannot find ... ",
           problem.detail, "\", at import or when it is first used."});
    case Fault::kLibrary:
    case Fault::kOptional:
      if (const std::string reason = refusal(problem); !reason.empty())
        return joined({"Its import would end with \"", reason, "\"."});
      return joined({"Its import would end with \"", problem.detail,
                     ": cannot open shared object file\", unless the package brings the library in "
                     "itself first. Builds for another CUDA major version look like this."});
    case Fault::kVersion:
      return "Its import would end with \"version ... not found\": it was compiled on a newer "
             "system than the image is.";
    default:
      return joined({"Its import would end with \"undefined symbol: ", problem.detail,
                     "\": Python resolves every symbol when it loads an extension."});
  }
}

constexpr char kLeaveOut[] =
    " If the command does not import it, name it in extensions.exclude of the policy.";

// By the name of its package: flash_attn is of flash-attn. Null if that is not certain.
const Package* distribution_of(const std::string& package, const ImageFacts& image) {
  std::string name = base::lower(package);
  std::ranges::replace(name, '_', '-');
  return Installed(image).find(name);
}

bool is_released_for_one_torch(const Package& package) {
  return std::ranges::any_of(package.requires_dist, [](const std::string& text) {
    const auto requirement = rules::parse_python_requirement(text);
    return requirement && requirement->name == "torch" &&
           requirement->specifiers.find("==") != std::string::npos;
  });
}

std::string fix_of(const ExtensionProblem& problem, const ImageFacts& image) {
  if (std::string stack = executable_stack_fix(refusal(problem)); !stack.empty()) return stack;
  if (const std::string directory = directory_elsewhere(problem); !directory.empty())
    return joined({"Set LD_LIBRARY_PATH=", directory, ", or use a release of ",
                   problem.extension->package,
                   " that opens it first. If the command does not import it, name it in "
                   "extensions.exclude of the policy."});
  if (problem.fault == Fault::kNumber)
    return joined(
        {"Install a build of ", problem.extension->package, " for ", torch_words(image),
         ", or a torch that it has a library for.",
         problem.extension->package == "bitsandbytes"
             ? " bitsandbytes takes what BNB_CUDA_VERSION says, and from 0.50 on any of the same "
               "major version."
             : ""});
  if (problem.fault == Fault::kOptional ||
      (problem.fault == Fault::kLibrary && !is_of_cuda(problem.detail)))
    return joined(
        {"Install the package that has ", problem.detail,
         " (of the distribution, or a wheel that brings it). If the command does not import ",
         problem.extension->package, ", name it in extensions.exclude of the policy."});
  const std::string& package = problem.extension->package;
  const auto& needs = problem.extension->needs;
  if (std::ranges::none_of(needs, base::is_torch_library) && !needs.empty())
    return joined({"Install a build of ", package, " for the CUDA that is there (torch's is ",
                   image.torch ? image.torch->cuda.value_or("none") : "none",
                   "), or name the directory of ", problem.detail,
                   " in LD_LIBRARY_PATH. If the command does not import it, name it in "
                   "extensions.exclude of the policy."});
  if (problem.fault == Fault::kLibrary && problem.detail.starts_with("libnpp") && image.torch->cuda)
    return joined({"NPP comes from the CUDA toolkit, or for Python from nvidia-npp-cu",
                   image.torch->cuda->substr(0, 2),
                   ": install it, and set LD_LIBRARY_PATH to its "
                   "directory.",
                   kLeaveOut});
  const Package* distribution = image.packages ? distribution_of(package, image) : nullptr;
  if (distribution == nullptr)
    return joined({"Install a build of ", package, " for ", torch_words(image),
                   " and this Python, or build it against this torch.", kLeaveOut});
  const Installed installed(image);
  const std::string named =
      joined({"'", distribution->name,
              "==", distribution->version.substr(0, distribution->version.find('+')), "'"});
  if (problem.fault <= Fault::kPython2)
    return joined({"`", installed.pip("install"), " --force-reinstall --no-deps ", named,
                   "` gets the build for this Python, if there is one.",
                   package == "numpy" ? "" : kLeaveOut});
  // What is released for one torch each is taken again for this one; what is compiled by its user
  // is compiled again.
  const std::string torch = installed.published_torch(installed.version_of("torch"));
  if (!torch.empty() && is_released_for_one_torch(*distribution))
    return joined({"Let pip choose the release for ", torch_words(image), ": `",
                   installed.pip("install"), " --upgrade ", torch, " ", distribution->name, "`.",
                   kLeaveOut});
  return joined({"Install a build of ", package, " for ", torch_words(image),
                 " and this Python, or build it against this torch: `", installed.pip("install"),
                 " --force-reinstall --no-cache-dir --no-deps --no-build-isolation ", named, "`.",
                 kLeaveOut});
}

// The policy names one of them.
bool is_asked_for(const std::vector<ExtensionProblem>& problems) {
  return std::ranges::any_of(problems,
                             [](const ExtensionProblem& one) { return one.extension->asked_for; });
}

Finding finding_of(const std::vector<ExtensionProblem>& problems, const Context& context) {
  const ImageFacts& image = context.image;
  const ExtensionProblem& first = problems.front();
  std::string asked_for;
  for (const ExtensionProblem& one : problems)
    if (asked_for.empty()) asked_for = asked_for_by(*one.extension, image);
  const std::string summary = joined({name_of(*first.extension), " ", verb_of(first, image)});
  // A library without an init function is opened by code that may well go on without it
  // (xformers does); what imports a module rarely does.
  const bool needed =
      !asked_for.empty() && (!first.extension->init_function.is_absent() || is_asked_for(problems));
  const auto at_import = std::ranges::find_if(problems, [&](const ExtensionProblem& one) {
    return one.fault != Fault::kOptional && is_loaded_at_import(*one.extension, image);
  });
  const bool fails = at_import != problems.end() && (context.policy.extensions.all ||
                                                     is_imported(first.extension->package, image));
  Finding finding = needed || fails ? failure(kExitImage, summary) : warning(summary);
  for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i)
    add_evidence(finding, "problem", problems[i].detail, problems[i].extension->path);
  if (problems.size() > kShown)
    add_evidence(finding, "and more", joined({std::to_string(problems.size() - kShown), " files"}));
  const auto& undefined = first.extension->problems.undefined_symbols;
  if (undefined && undefined->size() > 1) {
    std::vector<std::string> names;
    for (const UndefinedSymbol& symbol : *undefined) names.push_back(symbol.name);
    add_evidence(finding, "undefined", listed(names, 4));
  }
  for (const ExtensionProblem& one : problems) finding.about.push_back(thing_of(*one.extension));
  if (image.torch) add_evidence(finding, "torch", image.torch->path);
  if (!asked_for.empty()) add_evidence(finding, "asked for by", asked_for);
  finding.why = why_of(first);
  finding.fix = fix_of(first, image);
  return finding;
}

// Patterns of extensions.include that no file answers to: what the command needs is not there.
void add_not_there(const Context& context, Findings& findings) {
  const ImageFacts& image = context.image;
  for (const std::string& pattern : context.policy.extensions.include) {
    if (std::ranges::any_of(*image.extensions, [&](const Extension& one) {
          return base::matches_glob(pattern, relative_path(one)) ||
                 base::names_package(pattern, one.package) ||
                 base::names_package(pattern, one.distribution);
        }))
      continue;
    const std::string_view name = std::string_view(pattern).substr(0, pattern.find('/'));
    const std::string summary = joined(
        {"no extension answers to ", pattern, ", which extensions.include of the policy names"});
    // Installed, it may lie where nothing is looked for (an editable install), or need no compiled
    // code at all.
    const bool installed = image.packages && std::ranges::any_of(*image.packages, [&](auto& one) {
                             return base::names_package(name, one.name);
                           });
    const bool open = image.interpreter && !image.interpreter->sys_path_notes.empty();
    Finding finding = installed || open ? warning(summary) : failure(kExitImage, summary);
    finding.about = {pattern};
    if (image.interpreter && image.interpreter->sys_path)
      add_evidence(finding, "sys.path", listed(*image.interpreter->sys_path, 8));
    if (open) add_evidence(finding, "not followed", listed(image.interpreter->sys_path_notes, 3));
    finding.why = "The policy says that the command needs it: its import would fail.";
    finding.fix = "Install the package, or take the pattern out of extensions.include.";
    findings.push_back(std::move(finding));
  }
}

Findings run(const Context& context) {
  const ImageFacts& image = context.image;
  if (image.interpreter.is_absent()) return skipped("no Python in the image");
  if (!image.extensions) return unknown("the extensions are not known", image.extensions.reason());
  // What torch lacks, its extensions lack too.
  if (auto skip = context.skip_if_failed(
          "torch.install python.abi loader.missing loader.version loader.symbol"))
    return skip;

  // One finding a package, in the order of the list.
  Findings findings;
  Problems problems = problems_in(context);
  for (auto* list : {&problems.told, &problems.notes}) {
    while (!list->empty()) {
      const std::string package = list->front().extension->package;
      const bool accepted = context.accepts(thing_of(*list->front().extension));
      const auto others =
          std::stable_partition(list->begin(), list->end(), [&](const ExtensionProblem& one) {
            return one.extension->package == package &&
                   context.accepts(thing_of(*one.extension)) == accepted;
          });
      findings.push_back(finding_of({list->begin(), others}, context));
      if (list == &problems.notes) findings.back() = note(std::move(findings.back()));
      list->erase(list->begin(), others);
    }
  }
  add_torchaudio(context, findings);
  add_not_there(context, findings);
  return findings;
}

}  // namespace

extern constexpr Check kExtensionAbi{
    .id = "extension.abi",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "an extension was built for another Python, torch or C++ ABI",
    .looks_at =
        "Shared libraries in the directories of packages on sys.path that need torch or CUDA, "
        "those "
        "that extensions.include of the policy names, and NumPy's, which torch imports: the "
        "processor and the ABI tag of the file "
        "name, whether the loader would find the libraries they need after `import torch`, in the "
        "versions they need, and whether the symbols of Python, torch and CUDA that they ask for "
        "are defined there. Of files that are alternatives of each other (libtorchcodec_core4.so "
        "to 8 for as many FFmpegs, libbitsandbytes_cuda118.so to 130, ..._torch24-cpu.so to "
        "..._torch29-cuda.so) one that loads is enough; where none is for this torch, Python or "
        "CUDA and the package has another way, --verbose says so. A pattern in extensions.include "
        "asks that one of the alternatives loads, a whole name asks for that file. DGL and "
        "bitsandbytes open theirs by a name with torch's version or CUDA in it: is it there. "
        "Missing "
        "libraries outside torch and CUDA (FFmpeg, TensorRT) count only where the policy names the "
        "extension, or the command imports the package and none of the alternatives loads. "
        "torchvision from 0.17, torchaudio from 2.0, torchtext from 0.15 and flash-attn from 2 on "
        "surely cannot be imported without theirs, nor a torchaudio for another CUDA than "
        "torch's: with extensions.all they fail. extensions.exclude takes files away. A pattern of "
        "extensions.include that no file answers "
        "to "
        "fails as well, or warns where the package is installed without one.",
    .why =
        "Python resolves every symbol when it loads an extension. One that was built for another "
        "torch, C++ ABI, CUDA or Python ends the import with \"undefined symbol: _ZN3c10...\" or "
        "\"cannot open shared object file\", often long after the start. Only what "
        "extensions.include names, modules of a package that the command imports and, with "
        "extensions.all, packages that surely cannot be imported fail; the rest is a warning, and "
        "so is a library that a package opens itself: it may go on without it.",
    .fix =
        "Install a build for exactly this torch, CUDA and Python, or build it in the image, "
        "against "
        "that torch (--no-build-isolation). Name what the command needs in extensions.include: "
        "then "
        "it fails.",
    .source = "ld.so(8); PEP 3149; Itanium C++ ABI, mangling; GCC manual, Dual ABI",
    .run = run,
};

}  // namespace gpuinit::checks
