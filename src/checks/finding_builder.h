// Making findings: short constructors, evidence and words that several checks use.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "checks/context.h"
#include "gpuinit/facts.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

Finding failure(int exit_code, std::string summary);
Finding warning(std::string summary);
// `reason`: of the fact that is not known; the summary is "what: reason".
Finding unknown(const std::string& what, const std::string& reason = "");
Finding skipped(std::string summary);

// What is no problem of this command, and only --verbose shows.
Finding note(Finding finding);

// A failure on a guess: a warning that says so.
Finding warning_only(Finding finding, std::string because);

// The parts one after the other. Shorter code than a chain of `+`.
std::string joined(std::initializer_list<std::string_view> parts);

// The label of evidence, which is also its key: "driver serves" has the key "driver-serves".
// Programs rely on keys, so a name that is read somewhere cannot be one: it does not compile.
class Label {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): written as a literal in every check
  consteval Label(const char* text) : text_(text) {}
  constexpr const char* text() const { return text_; }

 private:
  const char* text_;
};

// One line of evidence.
void add_evidence(Finding& finding, Label label, std::string value);
// Whose label is a name: `key` as above. An empty label goes on with the line before.
void add_evidence(Finding& finding, Label key, std::string_view label, std::string value);

// The kernel driver and the libcuda that the loader will pick.
void add_driver(Finding& finding, const Driver& driver);
void add_kernel_driver(Finding& finding, const Driver& driver);

// Those of the environment variables that are set.
void add_variables(Finding& finding, const Context& context,
                   std::initializer_list<const char*> names);

// The interpreter and why it was chosen.
void add_interpreter(Finding& finding, const Interpreter& python);

// ": reason"; empty if the reason is.
std::string because(const std::string& reason);

// "a, b, c and 4 more".
std::string listed(const std::vector<std::string>& items, std::size_t limit = 5);

// "GPU 3", "GPUs 0-6, 8": from rising indices.
std::string gpus(const std::vector<std::size_t>& indices);

// WSL: the driver is that of Windows, behind /dev/dxg.
bool is_wsl(const NodeFacts& node);

// How a container gets a GPU, and what to do if no GPU is wanted.
inline constexpr char kGiveGpu[] =
    "docker or podman: --gpus all (or --device nvidia.com/gpu=all); Kubernetes: a nvidia.com/gpu "
    "limit, the NVIDIA device plugin on the node and, where the cluster has one, runtimeClassName: "
    "nvidia. If no GPU is wanted, set gpu.required = \"no\" in the policy.";

}  // namespace gpuinit::checks
