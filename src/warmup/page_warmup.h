// Reads ahead what the command will need from disk, while the checks run, as `warmup.pages` in
// the policy asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/image_facts.h"
#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "warmup/replay.h"

namespace gpuinit::warmup {

class PageWarmup {
 public:
  // Returns the text of a recording (see recording.h); empty if there is none. Called in a child.
  using Recording = std::function<Result<std::string>()>;

  // With a recording the reading starts here. One that cannot be used goes to `print_notice`
  // and is no reason not to start. `awaited_by`: the program that will be executed in our place,
  // when all is read; if the recording does not have it, it is of something else, and nothing is
  // read. Empty if nobody waits.
  PageWarmup(const Policy& policy, const Recording& recording, const std::string& awaited_by,
             void (*print_notice)(std::string_view));

  // With "auto" Python's modules are asked for in the first, torch's libraries in the second.
  void sys_path_is_known(const std::vector<std::string>& sys_path);
  void image_is_known(const ImageFacts& image);

  // `goes_on`: gpuinit stays and reaps, so the reading goes on beside the command.
  // Otherwise returns when everything is read, or waiting for it wins nothing any more; then
  // no process of ours is left.
  void finish(bool goes_on);

 private:
  // `share`: how many eighths of the budget this plan may use.
  void start(const Replay::MakePlan& make_plan, unsigned share = 8);

  bool guesses_;          // "auto", and no recording
  std::uint64_t budget_;  // bytes, for all plans together
  int in_flight_ = 0;     // requests at a time, of each plan
  std::vector<std::unique_ptr<Replay>> replays_;
};

// How many bytes may be read ahead without pushing out what others use: the least of `wanted`,
// half of what the cgroup's memory limit leaves now, and half of the machine's available
// memory. What cannot be read counts as no limit.
std::uint64_t budget(std::uint64_t wanted, const base::RootFs& fs);

// A plan without a recording: of every library that the loader will open, in that order, the
// parts that the loader and the libraries' constructors touch. Reads their section headers.
// Device code (fatbins) and debugging information are left out: they are not read at start.
// Libraries that cannot be read, and an image without torch, add nothing.
//
// Measured on torch 2.8.0 and 2.15.0 (docs/measurements.md): relocations, symbols and hash
// tables are touched whole, of constants half, of code a tenth to two thirds and all over it.
PagePlan auto_plan(const ImageFacts& image);

// A plan for what the interpreter itself reads to import torch: the .pyc files (the .py files
// where there are none) of the standard library, torch, NumPy and single modules on
// `sys_path`, without the packages that `import torch` leaves for later. Empty if no entry of
// `sys_path` has a torch. A guess that may name a file too many, never one that is not there.
// Lists directories and reads no file: every part is FilePart::whole.
//
// In a cold start of torch 2.8 a thousand such files are most of the time that is lost
// (docs/measurements.md); which of them are read only running Python knows.
PagePlan python_plan(const std::vector<std::string>& sys_path);

}  // namespace gpuinit::warmup
