// python.abi: torch was compiled for the Python that the command runs.
#include <algorithm>

#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "rules/soabi.h"

namespace gpuinit::checks {

namespace {

// The extension file names of torch's _C: all of them, or the one that was chosen.
std::vector<std::string> extension_names(const Torch& torch) {
  if (!torch.soabis.empty()) return torch.soabis;
  if (torch.soabi) return {*torch.soabi};
  return {};
}

Tristate imports_any(const std::string& interpreter, const std::vector<std::string>& names) {
  Tristate any = Tristate::kNo;
  for (const auto& name : names) any = either(any, rules::imports_extension(interpreter, name));
  return any;
}

Finding wrong_abi(const ImageFacts& image, const Interpreter& python, const Torch& torch,
                  const std::vector<std::string>& names) {
  const std::string python_words = rules::soabi_words(*python.soabi);
  const std::string torch_words = rules::soabi_words(names.front());
  const auto python_abi = rules::parse_soabi(*python.soabi);
  const auto torch_abi = rules::parse_soabi(names.front());
  // Same Python, other platform: then the words must name the platform.
  const bool same_words = python_words == torch_words;

  Finding finding = failure(
      kExitImage, "torch was compiled for " + (same_words ? names.front() : torch_words) +
                      ", and the command runs " + (same_words ? *python.soabi : python_words));
  finding.needs = *python.soabi;
  finding.has = names.front();
  add_interpreter(finding, python);
  add_evidence(finding, "interpreter's SOABI", *python.soabi);
  if (python.soabi_source) add_evidence(finding, "which is from", *python.soabi_source);
  add_evidence(finding, "torch", torch.path);
  add_evidence(finding, "torch._C built for", listed(names));
  if (torch.wheel_tags && !torch.wheel_tags->empty())
    add_evidence(finding, "wheel tags", listed(*torch.wheel_tags));
  if (torch.missing_python_symbols && !torch.missing_python_symbols->empty())
    add_evidence(finding, "symbols Python lacks", listed(*torch.missing_python_symbols));

  finding.why = "Python imports an extension only under its own name, _C." + *python.soabi +
                ".so. `import torch` would end with \"ModuleNotFoundError: No module named "
                "'torch._C'\" or \"Failed to load PyTorch C extensions\".";
  if (same_words || !torch_abi || !python_abi) {
    finding.fix = "Install a torch in the image that was built for " + *python.soabi + ".";
  } else {
    finding.fix = "Run the command with " + torch_words +
                  " (its whole path, or its directory first on PATH), or rebuild the image with a "
                  "torch for " +
                  python_words + " (wheel tag " + python_abi->wheel_tag() + ")";
    const std::string again = torch_again(image);
    finding.fix += again.empty() ? "." : ": " + again + ".";
  }
  return finding;
}

Finding wrong_machine(const Interpreter& python, const Torch& torch) {
  Finding finding = failure(kExitImage, "torch was compiled for " + *torch.machine +
                                            ", and the interpreter is " + *python.machine);
  add_interpreter(finding, python);
  add_evidence(finding, "torch", torch.path);
  finding.why =
      "The loader refuses a library of another processor: \"wrong ELF class\" or \"cannot open "
      "shared object file\" at `import torch`.";
  finding.fix = "Rebuild the image with everything for one platform (docker build --platform).";
  return finding;
}

Finding glibc_torch_on_musl(const Interpreter& python, const Torch& torch) {
  Finding finding =
      failure(kExitImage, "torch is built for glibc, and the interpreter is a musl program");
  add_interpreter(finding, python);
  add_evidence(finding, "torch", torch.path);
  add_evidence(finding, "wheel tags", listed(*torch.wheel_tags));
  const bool arm = torch.machine == Fact<std::string>("aarch64");
  finding.why = joined({"musl's loader cannot load it: \"Error loading shared library ld-linux-",
                        arm ? "aarch64.so.1" : "x86-64.so.2",
                        ": No such file or directory\". libcuda needs glibc too."});
  finding.fix = "Use a glibc base image such as debian or ubuntu instead of alpine.";
  return finding;
}

bool is_manylinux(const Torch& torch) {
  return torch.wheel_tags.known() &&
         std::any_of(torch.wheel_tags->begin(), torch.wheel_tags->end(),
                     [](const auto& tag) { return tag.find("manylinux") != std::string::npos; });
}

// What is wrong although the file name fits.
Findings inside_the_extension(const Interpreter& python, const Torch& torch) {
  if (torch.exports_init.known() && !*torch.exports_init) {
    Finding finding = failure(kExitImage, "torch._C does not export PyInit__C");
    add_interpreter(finding, python);
    add_evidence(finding, "torch", torch.path);
    finding.why =
        "`import torch` would end with \"ImportError: dynamic module does not define module export "
        "function (PyInit__C)\".";
    finding.fix = "The file is damaged or not torch's: install torch again in the image.";
    return finding;
  }
  if (torch.missing_python_symbols && !torch.missing_python_symbols->empty()) {
    // No failure: functions are bound when they are first called, and a host
    // program may bring what the interpreter's file lacks.
    Finding finding =
        warning("torch needs " + std::to_string(torch.missing_python_symbols->size()) +
                " Python symbols that the interpreter does not export");
    add_interpreter(finding, python);
    add_evidence(finding, "torch", torch.path);
    add_evidence(finding, "missing", listed(*torch.missing_python_symbols));
    finding.why =
        "The file name fits, the contents may not: `import torch` or a later call could end with "
        "\"undefined symbol\".";
    finding.fix = joined({"Install torch again with this very interpreter, ", python.path, "."});
    return finding;
  }
  return {};
}

Findings judge_abi(const ImageFacts& image, const Interpreter& python, const Torch& torch) {
  const auto names = extension_names(torch);
  if (python.machine && torch.machine && *python.machine != *torch.machine)
    return wrong_machine(python, torch);
  if (names.empty()) {
    if (torch.soabi.is_absent()) return skipped("torch has no _C extension: see torch.install");
    return unknown("cannot tell which Python torch was compiled for", torch.soabi.reason());
  }
  if (!python.soabi) return unknown("the interpreter's SOABI is not known", python.soabi.reason());

  const bool glibc_on_musl = python.libc.known() && *python.libc == "musl" && is_manylinux(torch);
  switch (imports_any(*python.soabi, names)) {
    case Tristate::kNo:
      // The same Python, and only the C library is another.
      if (glibc_on_musl && rules::soabi_words(*python.soabi) == rules::soabi_words(names.front()))
        return glibc_torch_on_musl(python, torch);
      return wrong_abi(image, python, torch, names);
    case Tristate::kUnknown:
      return unknown("cannot tell whether " + *python.soabi + " imports _C." + names.front() +
                     ".so");
    case Tristate::kYes:
      break;
  }
  if (glibc_on_musl) return glibc_torch_on_musl(python, torch);
  return inside_the_extension(python, torch);
}

Findings run(const Context& context) {
  const auto& image = context.image;
  if (image.interpreter.is_absent()) return skipped("no Python in the image");
  if (image.torch.is_absent()) return skipped("no torch in the image");
  if (!image.interpreter)
    return unknown("the interpreter is not known", image.interpreter.reason());
  if (!image.torch) return unknown("torch is not known", image.torch.reason());
  // An interpreter for another processor is the cause, whatever torch is for.
  if (image.interpreter->machine && image.torch->machine &&
      *image.interpreter->machine != *image.torch->machine)
    if (auto skip = context.skip_if_failed("platform")) return skip;

  Findings findings = judge_abi(context.image, *image.interpreter, *image.torch);
  return findings;
}

}  // namespace

extern constexpr Check kPythonAbi{
    .id = "python.abi",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "torch was compiled for another Python than the command runs",
    .looks_at =
        "The interpreter's SOABI (cpython-312-x86_64-linux-gnu) against the file name of torch's "
        "extension, torch/_C.cpython-310-x86_64-linux-gnu.so. `t` is a free-threaded Python, `d` a "
        "debug build (which also imports release builds). Also the processor, glibc against musl, "
        "and the Python symbols that torch needs. If the command could not be followed to its "
        "Python, a mismatch is only a warning.",
    .why =
        "Python looks for extensions under exact names, so `import torch` ends with "
        "\"ModuleNotFoundError: No module named 'torch._C'\" or \"Failed to load PyTorch C "
        "extensions\". It happens when a base image moves to another Python minor version, or when "
        "PATH finds the distribution's python3 before the one that has torch.",
    .fix =
        "Run the command with the Python that torch was installed for (its whole path, or its "
        "directory first on PATH), or install torch again with the Python of the command.",
    .source =
        "PEP 3149; CPython, Python/dynload_shlib.c; What's New In Python 3.8, \"Debug build uses "
        "the same ABI as release build\"",
    .run = run,
};

}  // namespace gpuinit::checks
