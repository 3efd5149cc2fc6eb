// python.interpreter: the Python that the command runs is in the image.
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// It was followed to a Python that is not there.
bool command_wants_python(const ImageFacts& image) {
  return !image.command.empty() && image.program.is_absent();
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
  if (!image.command.empty()) add_evidence(finding, "command", listed(image.command, 6));
  add_evidence(finding, "needed because", who);
  if (!policy.python.interpreter.empty())
    add_evidence(finding, "python.interpreter", policy.python.interpreter);
  finding.why = "Nothing can run: the command would end with \"not found\" (exit code 127).";
  finding.fix =
      "Put the interpreter's directory on the image's PATH (ENV PATH=/opt/venv/bin:$PATH), name it "
      "with its whole path in the command, or install Python in the image.";
  return finding;
}

Findings run(const Context& context) {
  const auto& fact = context.image.interpreter;
  if (fact.is_absent()) return no_interpreter(context);
  if (!fact) return unknown("cannot tell which Python the command runs", fact.reason());

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
    return finding;
  }
  if (!python.version)
    return unknown("the version of " + python.path + " is not known", python.version.reason());
  return {};
}

}  // namespace

extern constexpr Check kPythonInterpreter{
    .id = "python.interpreter",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "the command runs Python, and that Python is not in the image",
    .looks_at =
        "The command's first word on the image's PATH, followed through symlinks, shebangs, env, "
        "venvs and pyenv shims to the interpreter. A shell script or `sh -c` cannot be followed; "
        "then python.interpreter of the policy is taken, else python3 or python on PATH. An image "
        "without any Python fails only if the command or the policy asks for Python or torch.",
    .why =
        "The command ends at once with \"not found\" or \"bad interpreter\". It happens when a "
        "venv was copied without the Python it points to, or when PATH is set in a profile that no "
        "container reads.",
    .fix =
        "Set PATH with ENV in the Dockerfile, name the interpreter with its whole path in the "
        "command, build venvs in the place where they will run, or install Python.",
    .source = "execve(2); CPython, Modules/getpath.py; PEP 405 (pyvenv.cfg)",
    .run = run,
};

}  // namespace gpuinit::checks
