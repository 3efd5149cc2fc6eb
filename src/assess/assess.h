// Facts → findings → verdict: the order in which the rooms are asked.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "gpuinit/seal.h"
#include "probe/cuda/driver_keepalive.h"

namespace gpuinit::assess {

// A node, and the environment that it was asked with.
struct AskedNode {
  std::map<std::string, std::string> environment;
  NodeFacts node;
};

struct AssessRequest {
  std::vector<std::string> command;  // may be empty
  std::map<std::string, std::string> environment;
  std::string root = "/";
  std::string working_directory;  // of the command, absolute; empty: gpuinit's own, "/" elsewhere
  // Whose process the command is; nullopt: gpuinit's own user, not known elsewhere.
  std::optional<unsigned> uid;
  // `environment` is the image's own: a saved node lacks the part of it that steers CUDA.
  bool environment_of_image = false;
  std::string node_file;  // empty: ask this machine
  // A seal or saved facts in place of the image; empty: read the image. The command is theirs.
  std::string image_file;
  // Ask the driver even if nothing in the image needs a GPU (--facts).
  bool always_probe = false;
  // Keep the driver awake for the command (Assessment::driver_keepalive).
  bool keep_driver_awake = false;
  // What the driver said before, or null: it is not asked again if what it heeds of the
  // environment is the same. Not owned.
  const AskedNode* asked_node = nullptr;
  // Progress while the GPUs are waited for, one line each; empty: not wanted.
  std::function<void(std::string_view)> on_progress;
  // False: nothing more is done, and the answer is an error. May be empty.
  std::function<bool(const ImageFacts&)> is_worth_judging;
  // Called as soon as the image has been read, before the driver is asked; may be empty.
  std::function<void(const ImageFacts&)> image_is_known;
  // The same for sys.path, which is known long before that.
  std::function<void(const std::vector<std::string>&)> sys_path_is_known;
};

// Milliseconds a step took, in the order of the steps.
using Timings = std::vector<std::pair<std::string, double>>;

// Can be moved only.
struct Assessment {
  Facts facts;
  std::vector<Finding> findings;
  Verdict verdict;
  Timings timings;
  // With `keep_driver_awake`, where there are devices and the policy wants it.
  probe::DriverKeepalive driver_keepalive;
};

// Seals the image for the command (image/seal/sealed_image.h). Errors are of the request or of the
// image; one clause.
Result<Seal> seal_image(const AssessRequest& request, const Policy& policy);

// Reads image and node. Errors are about the request itself: a root that is no
// directory, a node file that cannot be understood. All else is a fact.
Result<Facts> gather_facts(const AssessRequest& request, const Policy& policy, Timings& timings);

// As long as the node fails for a cause in wait.for, and nothing else fails, it is asked
// again, until wait.timeout (wait_for_driver.h). A stop request ends the process
// meanwhile, if the caller has seen to that (launch::EndOnSignal).
Result<Assessment> assess(const AssessRequest& request, const Policy& policy);

}  // namespace gpuinit::assess
