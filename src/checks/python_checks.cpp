// python.interpreter and python.abi: which Python runs, and whether torch was
// compiled for it.
#include <algorithm>

#include "base/text.h"
#include "checks/check.h"
#include "checks/evidence.h"
#include "checks/finding_builder.h"
#include "rules/python_abi.h"

namespace gpuinit::checks {

namespace {

bool is_python_name(std::string_view word) {
  word = word.substr(word.rfind('/') + 1);
  if (!word.starts_with("python")) return false;
  word.remove_prefix(6);
  return word.empty() || word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
}

// The command means Python by its own words: `python x`, `env A=b python3 x`, or a
// script whose shebang names a Python that is not there.
bool command_wants_python(const ImageFacts& image) {
  std::size_t at = 0;
  const auto& words = image.command;
  if (words.empty()) return false;
  if (words[0] == "env" || words[0].ends_with("/env")) {
    at = 1;
    while (at < words.size() &&
           (words[at].starts_with('-') || words[at].find('=') != std::string::npos))
      ++at;
  }
  if (at < words.size() && is_python_name(words[at])) return true;
  return image.interpreter.reason().find("(shebang of ") != std::string::npos;
}

Finding no_interpreter(const Context& context) {
  const auto& image = context.image;
  const auto& policy = context.policy;
  std::string who;
  if (command_wants_python(image)) who = "the command runs Python";
  else if (!policy.python.interpreter.empty()) who = "the policy names python.interpreter";
  else if (policy.torch.required) who = "the policy requires torch";
  else if (!policy.expect.python.empty()) who = "the policy pins expect.python";
  else if (!policy.expect.torch.empty()) who = "the policy pins expect.torch";
  if (who.empty())
    return skipped("nothing asks for Python, and there is none" +
                   because(image.interpreter.reason()));

  Finding finding =
      failure(kExitImage, "no Python for the command" + because(image.interpreter.reason()));
  if (!image.command.empty()) note(finding, "command", listed(image.command, 6));
  note(finding, "needed because", who);
  if (!policy.python.interpreter.empty())
    note(finding, "python.interpreter", policy.python.interpreter);
  finding.why = "Nothing can run: the command would end with \"not found\" (exit code 127).";
  finding.fix =
      "Put the interpreter's directory on the image's PATH (ENV PATH=/opt/venv/bin:$PATH), name it "
      "with its whole path in the command, or install Python in the image.";
  return finding;
}

// The extension file names of torch's _C: all of them, or the one that was chosen.
std::vector<std::string> extension_names(const Torch& torch) {
  if (!torch.soabis.empty()) return torch.soabis;
  if (torch.soabi) return {*torch.soabi};
  return {};
}

Tristate imports_any(const std::string& interpreter, const std::vector<std::string>& names) {
  Tristate best = Tristate::kNo;
  for (const auto& name : names) best = either(best, rules::imports_extension(interpreter, name));
  return best;
}

Finding wrong_abi(const Interpreter& python, const Torch& torch,
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
  add_interpreter(finding, python);
  note(finding, "interpreter's SOABI", *python.soabi);
  if (python.soabi_source) note(finding, "which is from", *python.soabi_source);
  note(finding, "torch", torch.path);
  note(finding, "torch._C built for", listed(names));
  if (torch.wheel_tags && !torch.wheel_tags->empty())
    note(finding, "wheel tags", listed(*torch.wheel_tags));
  if (torch.missing_python_symbols && !torch.missing_python_symbols->empty())
    note(finding, "symbols Python lacks", listed(*torch.missing_python_symbols));

  finding.why =
      "Python imports an extension only under its own name, _C." + *python.soabi +
      ".so. `import torch` would end with \"ModuleNotFoundError: No module named 'torch._C'\" or "
      "\"Failed to load PyTorch C extensions\".";
  if (same_words || !torch_abi || !python_abi) {
    finding.fix = "Install a torch in the image that was built for " + *python.soabi + ".";
  } else {
    finding.fix = "Run the command with " + torch_words +
                  " (its whole path, or its directory first on PATH), or rebuild the image with a "
                  "torch for " +
                  python_words + " (wheel tag " + python_abi->wheel_tag() + ").";
  }
  return finding;
}

Finding wrong_machine(const Interpreter& python, const Torch& torch) {
  Finding finding = failure(kExitImage, "torch was compiled for " + *torch.machine +
                                            ", and the interpreter is " + *python.machine);
  add_interpreter(finding, python);
  note(finding, "torch", torch.path);
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
  note(finding, "torch", torch.path);
  note(finding, "wheel tags", listed(*torch.wheel_tags));
  finding.why =
      "musl's loader cannot load it: \"Error loading shared library ld-linux-x86-64.so.2: No such "
      "file or directory\". libcuda needs glibc too.";
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
    note(finding, "torch", torch.path);
    finding.why =
        "`import torch` would end with \"ImportError: dynamic module does not define module export "
        "function (PyInit__C)\".";
    finding.fix = "The file is damaged or not torch's: install torch again in the image.";
    return one(finding);
  }
  if (torch.missing_python_symbols && !torch.missing_python_symbols->empty()) {
    // No failure: functions are bound when they are first called, and a host
    // program may bring what the interpreter's file lacks.
    Finding finding =
        warning("torch needs " + std::to_string(torch.missing_python_symbols->size()) +
                " Python symbols that the interpreter does not export");
    add_interpreter(finding, python);
    note(finding, "torch", torch.path);
    note(finding, "missing", listed(*torch.missing_python_symbols));
    finding.why =
        "The file name fits, the contents may not: `import torch` or a later call could end with "
        "\"undefined symbol\".";
    finding.fix = "Install torch again with this very interpreter (PATH/TO/python -m pip).";
    return one(finding);
  }
  return {};
}

Findings judge_abi(const Interpreter& python, const Torch& torch) {
  const auto names = extension_names(torch);
  if (python.machine && torch.machine && *python.machine != *torch.machine)
    return one(wrong_machine(python, torch));
  if (names.empty()) {
    if (torch.soabi.is_absent())
      return one(skipped("torch has no _C extension: see torch.install"));
    return one(
        unknown("cannot tell which Python torch was compiled for" + because(torch.soabi.reason())));
  }
  if (!python.soabi)
    return one(unknown("the interpreter's SOABI is not known" + because(python.soabi.reason())));

  const bool glibc_on_musl = python.libc.known() && *python.libc == "musl" && is_manylinux(torch);
  switch (imports_any(*python.soabi, names)) {
    case Tristate::kNo:
      // The same Python, and only the C library is another.
      if (glibc_on_musl && rules::soabi_words(*python.soabi) == rules::soabi_words(names.front()))
        return one(glibc_torch_on_musl(python, torch));
      return one(wrong_abi(python, torch, names));
    case Tristate::kUnknown:
      return one(
          unknown("cannot tell whether " + *python.soabi + " imports _C." + names.front() + ".so"));
    case Tristate::kYes:
      break;
  }
  if (glibc_on_musl) return one(glibc_torch_on_musl(python, torch));
  return inside_the_extension(python, torch);
}

}  // namespace

Findings check_python_interpreter(const Context& context) {
  const auto& fact = context.image.interpreter;
  if (fact.is_absent()) return one(no_interpreter(context));
  if (!fact)
    return one(unknown("cannot tell which Python the command runs" + because(fact.reason())));

  const Interpreter& python = *fact;
  const bool policy_named_another = !python.from_command &&
                                    !context.policy.python.interpreter.empty() &&
                                    !context.interpreter_from_policy();
  if (policy_named_another) {
    Finding finding = warning("the policy names " + context.policy.python.interpreter +
                              " as interpreter, and the image does not have it");
    add_interpreter(finding, python);
    finding.why = "Another Python was judged instead, perhaps not the one that the command runs.";
    finding.fix = "Correct python.interpreter in the policy.";
    return one(finding);
  }
  if (!python.version)
    return one(unknown("the version of " + python.path + " is not known" +
                       because(python.version.reason())));
  return {};
}

Findings check_python_abi(const Context& context) {
  const auto& image = context.image;
  if (image.interpreter.is_absent()) return one(skipped("no Python in the image"));
  if (image.torch.is_absent()) return one(skipped("no torch in the image"));
  if (!image.interpreter)
    return one(unknown("the interpreter is not known" + because(image.interpreter.reason())));
  if (!image.torch) return one(unknown("torch is not known" + because(image.torch.reason())));
  // An interpreter for another processor is the cause, whatever torch is for.
  if (image.interpreter->machine && image.torch->machine &&
      *image.interpreter->machine != *image.torch->machine)
    if (auto finding = context.explained("python.abi", {"platform"}))
      return one(std::move(finding));

  Findings findings = judge_abi(*image.interpreter, *image.torch);
  return judged_by_interpreter(context, std::move(findings));
}

}  // namespace gpuinit::checks
