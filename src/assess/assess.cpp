#include "assess/assess.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <optional>

#include "assess/ask_python.h"
#include "assess/driver_probe.h"
#include "assess/saved_facts.h"
#include "assess/wait_for_driver.h"
#include "base/closed_directory.h"
#include "base/log.h"
#include "base/root_fs.h"
#include "base/text.h"
#include "base/unread_log.h"
#include "checks/frameworks.h"
#include "checks/run_checks.h"
#include "image/read_image.h"
#include "image/seal/sealed_image.h"
#include "node/read_node.h"
#include "probe/cuda/cuda_probe.h"

namespace gpuinit::assess {

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

std::string working_directory(const AssessRequest& request) {
  return request.working_directory.empty() ? working_directory(request.root)
                                           : request.working_directory;
}

// Another root's command is run there by whoever it may be.
std::optional<unsigned> user(const AssessRequest& request) {
  if (request.uid || request.root != "/") return request.uid;
  return ::geteuid();
}

// A saved node has the variables of the container that it was saved in. What its runtime put there
// holds for every container on it, what its image demanded of the driver does not.
void add_environment_of_image(const AssessRequest& request, NodeFacts& node) {
  std::map<std::string, std::string> variables = node::cuda_environment(request.environment);
  if (node.environment)
    for (const auto& [name, value] : *node.environment)
      if (!name.starts_with("NVIDIA_REQUIRE_")) variables[name] = value;
  node.environment = std::move(variables);
}

// Why the driver need not be asked; empty if it must be. A CUDA context costs
// some hundred milliseconds, and an image that needs no GPU should not wait for one.
std::string reason_not_to_probe(const ImageFacts& image, const Policy& policy) {
  if (policy.gpu.required == GpuRequired::kNo) return "the policy says that no GPU is needed";
  if (policy.gpu.required == GpuRequired::kYes) return "";
  if (image.torch.known() && image.torch->cuda.known()) return "";
  if (checks::frameworks_need_gpu(image, policy)) return "";
  return "nothing in the image needs a GPU";
}

using RunningProbe = std::optional<probe::CudaProbe>;

// `running`: a probe that was started before, if any. `driver_keepalive`: the probe, if it is to
// stay.
NodeFacts node_of_this_machine(const AssessRequest& request, const ImageFacts& image,
                               const base::RootFs& machine, const Policy& policy, Timings& timings,
                               RunningProbe running, probe::DriverKeepalive& driver_keepalive) {
  const std::string no_probe = request.always_probe ? "" : reason_not_to_probe(image, policy);
  const NodeFacts* const before = answer_before(request);
  if (no_probe.empty() && before == nullptr && !running)
    running.emplace(start_probe(request, policy));
  NodeFacts node;
  {
    const Step step(timings, "node");
    // HOME, caches and places for temporary files as the command itself sets them.
    auto environment = request.environment;
    if (image.variables)
      for (const auto& [name, value] : *image.variables) environment[name] = value;
    node = node::read_node({machine, std::move(environment)});
  }
  if (request.root != "/")
    node.places = Fact<std::vector<WritablePlace>>::unknown("the image is not started here");
  if (no_probe.empty() && before != nullptr) {
    node.probe = before->probe;
    node.devices = before->devices;
    node.driver.cuda_version = before->driver.cuda_version;
    return node;
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
  driver_keepalive = std::move(answer.driver_keepalive);
  node.driver.cuda_version = std::move(answer.cuda_version);
  return node;
}

image::ImageQuery image_query(const AssessRequest& request, const Policy& policy,
                              const base::RootFs& root, image::FoundSeal* seal,
                              std::function<void()> cuda_is_known) {
  return {root,
          request.root,
          request.command,
          request.environment,
          working_directory(request),
          policy.python.interpreter,
          {policy.extensions.include, policy.extensions.exclude},
          user(request),
          seal,
          request.sys_path_is_known,
          std::move(cuda_is_known)};
}

// What changed is told as a finding.
std::string seal_words(const SealState& seal) {
  if (!seal.changes.empty()) return "the seal does not hold: " + seal.changes.front();
  if (!seal.unused_because.empty()) return "the seal is not of this start: " + seal.unused_because;
  return "the seal holds: " + seal.path;
}

// Beside the limits that were reached when it was sealed.
void add_unread(const base::UnreadLog& log, const base::RootFs& fs, ImageFacts& image) {
  image.unread.insert(image.unread.end(), log.unread().begin(), log.unread().end());
  const base::UnreadLog not_again;
  for (const std::string& path : log.refused()) {
    std::string closed = base::closed_directory(fs, path);
    if (closed.empty()) closed = base::normalize(path);
    if (std::ranges::find(image.refused, closed) == image.refused.end())
      image.refused.push_back(std::move(closed));
  }
}

// `running`: the probe, as soon as it is known that there will be one.
Result<ImageFacts> image_of(const AssessRequest& request, const Policy& policy, Timings& timings,
                            std::optional<image::PythonStart>& python, RunningProbe& running) {
  const auto start_early = [&] {
    const base::UnreadLog not_of_the_image;
    if (!running && may_probe_early(request, policy)) running.emplace(start_probe(request, policy));
  };
  if (policy.gpu.required == GpuRequired::kYes || request.always_probe) start_early();
  if (!request.image_file.empty()) {
    auto saved = image_from_file(working_directory("/"), request.image_file);
    if (!saved) return std::move(saved).error().context("--image");
    return saved;
  }
  auto root = base::RootFs::open(request.root);
  if (!root) return std::move(root).error().context("--root");
  std::optional<Step> step(std::in_place, timings, "image");
  const base::UnreadLog log;
  std::optional<image::FoundSeal> seal = find_seal(*root, policy.image.seal);
  const image::ImageQuery query =
      image_query(request, policy, *root, seal ? &*seal : nullptr, start_early);
  ImageFacts image = policy.python.probe == PythonProbe::kOff ? image::read_image(query)
                                                              : image::read_image(query, python);
  add_unread(log, *root, image);
  step.reset();
  if (image.seal) base::log_verbose(seal_words(*image.seal));
  if (request.image_is_known) request.image_is_known(image);
  return image;
}

Result<NodeFacts> node_of(const AssessRequest& request, const ImageFacts& image,
                          const Policy& policy, Timings& timings, RunningProbe running,
                          probe::DriverKeepalive& driver_keepalive) {
  if (!request.node_file.empty()) {
    auto node = node_from_file(working_directory("/"), request.node_file);
    if (!node) return std::move(node).error().context("--node");
    if (request.environment_of_image) add_environment_of_image(request, *node);
    return node;
  }
  auto machine = base::RootFs::open("/");
  if (!machine) return std::move(machine).error();
  return node_of_this_machine(request, image, *machine, policy, timings, std::move(running),
                              driver_keepalive);
}

// After the CUDA probe: two that start at once only wait for each other's disk.
void add_python(const AssessRequest& request, const Policy& policy,
                const std::optional<image::PythonStart>& python, ImageFacts& image,
                Timings& timings) {
  std::optional<Step> step;
  if (python) step.emplace(timings, "python");
  image.python_probe = ask_python(request, image, python, policy);
}

// "2026-11-29", in UTC. Empty where the policy has no use for it.
std::string today(const Policy& policy) {
  if (policy.accept.empty()) return "";
  using namespace std::chrono;
  const year_month_day day{floor<days>(system_clock::now())};
  const auto two = [](unsigned number) {
    return (number < 10 ? "-0" : "-") + std::to_string(number);
  };
  return std::to_string(static_cast<int>(day.year())) + two(static_cast<unsigned>(day.month())) +
         two(static_cast<unsigned>(day.day()));
}

void run_the_checks(Assessment& assessment, const Policy& policy) {
  const Step step(assessment.timings, "checks");
  assessment.findings = checks::run_checks(assessment.facts, policy, today(policy));
  assessment.verdict = checks::judge(assessment.findings);
}

// A saved node does not change, nor does another root's image run here; a shell need not wait.
bool may_wait(const AssessRequest& request, const ImageFacts& image, const Policy& policy) {
  return !policy.wait.causes.empty() && request.node_file.empty() && request.root == "/" &&
         !(image.program && !image.program->needs_no_gpu.empty());
}

// Asks the node again until it is no longer as `wait.for` says, or time is up. The timings
// are then those of the last time, and how long was waited.
Status wait_for_driver(AssessRequest request, const Policy& policy, Assessment& assessment) {
  request.asked_node = nullptr;
  auto waited_for = reason_to_wait(assessment.facts.node, assessment.findings, policy);
  if (!waited_for) return Done{};
  WaitForDriver wait(policy.wait.timeout, request.on_progress);
  const Timings before = assessment.timings;
  while (waited_for && wait.pause(*waited_for)) {
    assessment.timings.clear();
    assessment.driver_keepalive = {};
    auto node = node_of(request, assessment.facts.image, policy, assessment.timings, std::nullopt,
                        assessment.driver_keepalive);
    if (!node) return std::move(node).error();
    assessment.facts.node = std::move(node).value();
    run_the_checks(assessment, policy);
    waited_for = reason_to_wait(assessment.facts.node, assessment.findings, policy);
  }
  wait.finish(waited_for.has_value(), assessment.findings);
  assessment.timings.insert(assessment.timings.begin(), before.begin(), before.begin() + 1);
  assessment.timings.emplace_back("waiting", wait.milliseconds());
  return Done{};
}

// `driver_keepalive`: the probe, if it is to stay.
Result<Facts> gather(const AssessRequest& request, const Policy& policy, Timings& timings,
                     probe::DriverKeepalive& driver_keepalive) {
  Facts facts;
  std::optional<image::PythonStart> python;
  RunningProbe running;
  auto image = image_of(request, policy, timings, python, running);
  if (!image) return std::move(image).error();
  facts.image = std::move(image).value();
  if (request.is_worth_judging && !request.is_worth_judging(facts.image))
    return Error{"the checks have nothing to say about this command"};
  auto node = node_of(request, facts.image, policy, timings, std::move(running), driver_keepalive);
  if (!node) return std::move(node).error();
  facts.node = std::move(node).value();
  add_python(request, policy, python, facts.image, timings);
  return facts;
}

}  // namespace

Result<Seal> seal_image(const AssessRequest& request, const Policy& policy) {
  auto root = base::RootFs::open(request.root);
  if (!root) return std::move(root).error().context("--root");
  const base::UnreadLog log;
  auto seal = image::make_seal(*root, image_query(request, policy, *root, nullptr, {}));
  for (const Unread& unread : log.unread())
    if (!unread.own_limit)
      return Error{"the image could not be read: " + unread.path + ": " + unread.why, EIO};
  if (seal) seal->pythons.front().facts.unread = log.unread();
  return seal;
}

Result<Facts> gather_facts(const AssessRequest& request, const Policy& policy, Timings& timings) {
  probe::DriverKeepalive not_kept;
  return gather(request, policy, timings, not_kept);
}

Result<Assessment> assess(const AssessRequest& request, const Policy& policy) {
  const auto start = Clock::now();
  Assessment assessment;
  auto facts = gather(request, policy, assessment.timings, assessment.driver_keepalive);
  if (!facts) return std::move(facts).error();
  assessment.facts = std::move(facts).value();
  run_the_checks(assessment, policy);
  if (may_wait(request, assessment.facts.image, policy)) {
    const Status waited = wait_for_driver(request, policy, assessment);
    if (!waited) return waited.error();
  }
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  assessment.timings.emplace_back("total", took.count());
  return assessment;
}

}  // namespace gpuinit::assess
