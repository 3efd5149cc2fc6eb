// Reads ahead what the command will need from disk, while the checks run: what
// `warmup.pages` in the policy asks for, as work for src/warmup.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/policy.h"
#include "warmup/replay.h"

namespace gpuinit::warmup {

class PageWarmup {
 public:
  // With a recording the reading starts here. A recording that cannot be used goes to
  // `print_error` and is no reason not to start.
  PageWarmup(const Policy& policy, void (*print_error)(std::string_view));

  // With "auto" Python's modules are asked for here, torch's libraries there.
  void sys_path_is_known(const std::vector<std::string>& sys_path);
  void image_is_known(const ImageFacts& image);

  // `goes_on`: somebody stays who reaps, and the reading goes on beside the command.
  // Otherwise returns when the kernel has been asked for everything, or after kPatience; then
  // no process of ours is left, and what was asked for comes all the same.
  void finish(bool goes_on);

 private:
  // `share`: how many eighths of the budget this plan may use.
  void start(const Replay::MakePlan& make_plan, unsigned share = 8);

  const Policy& policy_;
  std::uint64_t budget_;  // bytes, for all plans together
  std::vector<std::unique_ptr<Replay>> replays_;
};

}  // namespace gpuinit::warmup
