// Reads ahead what the command will need from disk, while the checks run: what
// `warmup.pages` in the policy asks for, as work for src/warmup.
#pragma once

#include <memory>
#include <string>

#include "gpuinit/facts.h"
#include "gpuinit/policy.h"
#include "warmup/replay.h"

namespace gpuinit {

class PageWarmup {
 public:
  // With a recording the reading starts here. A recording that cannot be used is said and
  // is no reason not to start.
  explicit PageWarmup(const Policy& policy);

  // With "auto" it starts here.
  void image_is_known(const ImageFacts& image);

  // Returns when the kernel has been asked for everything, or after kPatience; then no
  // process of ours is left, and what was asked for comes all the same.
  void finish();

 private:
  void start(const warmup::Replay::MakePlan& make_plan);

  const Policy& policy_;
  std::unique_ptr<warmup::Replay> replay_;
};

}  // namespace gpuinit
