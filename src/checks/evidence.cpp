#include "checks/evidence.h"

#include <utility>

#include "checks/finding_builder.h"

namespace gpuinit::checks {

void add_driver(Finding& finding, const Driver& driver) {
  if (driver.kernel_version) {
    note(finding, "kernel driver", *driver.kernel_version);
  } else if (driver.kernel_version.is_absent()) {
    note(finding, "kernel driver", "none");
  }
  if (driver.libcuda) {
    const LibCuda& library = *driver.libcuda;
    std::string text = library.path;
    if (library.real_path != library.path && !library.real_path.empty())
      text += " -> " + library.real_path;
    if (!library.found_by.empty()) text += " (" + library.found_by + ")";
    note(finding, "libcuda.so.1", std::move(text));
    if (library.version) note(finding, "libcuda's release", *library.version);
  } else if (driver.libcuda.is_absent()) {
    note(finding, "libcuda.so.1", "not found");
  }
}

void add_variables(Finding& finding, const Context& context,
                   std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto value = context.variable(name))
      note(finding, name, value->empty() ? "(empty)" : *value);
}

void add_interpreter(Finding& finding, const Interpreter& python) {
  note(finding, "interpreter", python.path);
  if (!python.chosen_because.empty()) note(finding, "chosen because", python.chosen_because);
}

std::vector<Finding> judged_by_interpreter(const Context& context, std::vector<Finding> findings) {
  if (!context.interpreter_is_guess()) return findings;
  for (Finding& finding : findings)
    if (finding.severity == Severity::kFail)
      finding = only_warn(std::move(finding),
                          "the command could not be followed to its Python; set "
                          "python.interpreter in the policy to make this certain");
  return findings;
}

}  // namespace gpuinit::checks
