#include "assess/wait_for_driver.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "base/seconds_text.h"
#include "gpuinit/exit_codes.h"
#include "gpuinit/probe_protocol.h"
#include "rules/cuda_error.h"
#include "rules/version.h"

namespace gpuinit::assess {

namespace {

constexpr int kNoDevice = 100;
constexpr int kSystemNotReady = 802;
constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{15};
constexpr std::chrono::seconds kBetweenLines{10};

// Their failures are the driver's answer; those of other checks have other causes.
constexpr std::array<std::string_view, 3> kDeviceChecks{"device.present", "device.mode",
                                                        "device.context"};

bool is_device_check(std::string_view id) {
  return std::find(kDeviceChecks.begin(), kDeviceChecks.end(), id) != kDeviceChecks.end();
}

struct Reason {
  WaitFor cause;
  std::string words;
};

void add_error(std::vector<Reason>& reasons, const std::string& who, int error) {
  const auto* known = rules::find_cuda_error(error);
  if (known == nullptr || known->exit_code != kExitNotReady) return;
  reasons.push_back({error == kSystemNotReady ? WaitFor::kSystemNotReady : WaitFor::kBusy,
                     who + " says " + rules::cuda_error_words(error)});
}

// More devices than these would be enough.
bool too_few(std::size_t count, const std::string& wanted) {
  const auto range = rules::parse_version_range(wanted);
  if (!range) return false;
  const auto contains = [&](std::size_t n) {
    return range->contains(rules::Version{{static_cast<unsigned>(n)}, ""});
  };
  if (contains(count)) return false;
  for (std::size_t n = count + 1; n <= probe_protocol::kMaxDevices; ++n)
    if (contains(n)) return true;
  return false;
}

std::vector<Reason> reasons_of(const NodeFacts& node, const Policy& policy) {
  std::vector<Reason> reasons;
  if (!node.probe) return reasons;
  const int init = node.probe->init_error.value_or(0);
  add_error(reasons, "cuInit", init);
  if (!node.devices && init != kNoDevice) return reasons;
  const std::size_t count = node.devices ? node.devices->size() : 0;
  if (too_few(count, policy.gpu.count))
    reasons.push_back({WaitFor::kNoDevice, "the driver sees " + std::to_string(count) +
                                               (count == 1 ? " GPU" : " GPUs") + ", gpu.count is " +
                                               policy.gpu.count});
  for (std::size_t i = 0; i < count; ++i)
    if (const auto& trial = (*node.devices)[i].context)
      add_error(reasons, trial->step + " of GPU " + std::to_string(i), trial->cuda_error);
  return reasons;
}

bool time_cures(const Finding& finding, const std::vector<Reason>& reasons) {
  if (finding.severity != Severity::kFail) return true;
  const bool no_device = std::any_of(reasons.begin(), reasons.end(), [](const Reason& reason) {
    return reason.cause == WaitFor::kNoDevice;
  });
  if (finding.exit_code == kExitNotReady) return is_device_check(finding.id);
  return no_device && (finding.id == "device.present" || finding.id == "cuda.visible-devices");
}

}  // namespace

std::optional<std::string> reason_to_wait(const NodeFacts& node,
                                          const std::vector<Finding>& findings,
                                          const Policy& policy) {
  const auto reasons = reasons_of(node, policy);
  if (reasons.empty()) return std::nullopt;
  for (const Reason& reason : reasons)
    if (std::find(policy.wait.causes.begin(), policy.wait.causes.end(), reason.cause) ==
        policy.wait.causes.end())
      return std::nullopt;
  for (const Finding& finding : findings)
    if (!time_cures(finding, reasons)) return std::nullopt;
  return reasons.front().words;
}

std::chrono::milliseconds pause_before(int asked) {
  auto pause = kFirstPause;
  for (int i = 1; i < asked && pause < kLongestPause; ++i) pause *= 2;
  return std::min(pause, kLongestPause);
}

WaitForDriver::WaitForDriver(std::chrono::milliseconds timeout,
                             std::function<void(std::string_view)> on_progress)
    : timeout_(timeout), on_progress_(std::move(on_progress)) {}

std::string WaitForDriver::elapsed() const {
  return std::to_string(std::chrono::round<std::chrono::seconds>(Clock::now() - start_).count()) +
         " s";
}

bool WaitForDriver::pause(std::string_view reason) {
  const auto now = Clock::now();
  const auto deadline = start_ + timeout_;
  if (now >= deadline) return false;
  if (on_progress_ && (!last_said_ || now - *last_said_ >= kBetweenLines)) {
    on_progress_("waiting for the GPUs: " + std::string(reason) + "; " + elapsed() + " of " +
                 base::seconds_text(timeout_));
    last_said_ = now;
  }
  std::this_thread::sleep_until(std::min(deadline, now + pause_before(++asked_)));
  return true;
}

void WaitForDriver::finish(bool timed_out, std::vector<Finding>& findings) const {
  if (on_progress_)
    on_progress_("waited " + elapsed() + " for the GPUs" + (timed_out ? ": timed out" : ""));
  if (!timed_out) return;
  for (Finding& finding : findings)
    if (finding.severity == Severity::kFail ||
        (finding.severity == Severity::kWarn && is_device_check(finding.id)))
      finding.evidence.push_back({"waited", "waited", elapsed() + " (wait.timeout)"});
}

double WaitForDriver::milliseconds() const {
  return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
}

}  // namespace gpuinit::assess
