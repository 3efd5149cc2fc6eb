#include "warmup/page_warmup.h"

#include <chrono>

#include "base/byte_size.h"
#include "base/log.h"
#include "base/root_fs.h"
#include "warmup/auto_plan.h"
#include "warmup/budget.h"
#include "warmup/python_plan.h"
#include "warmup/recording.h"

namespace gpuinit::warmup {

namespace {

using Clock = std::chrono::steady_clock;

// How long exec waits for what has not been asked for yet. Where the disk's queue is full
// that is as slow as reading; it still wins over page faults one by one.
constexpr std::chrono::milliseconds kPatience{1000};

Result<PagePlan> read_recording(const std::string& path) {
  auto fs = base::RootFs::open("/");
  if (!fs) return std::move(fs).error();
  auto text = fs->read_file(path, kMaxRecording);
  if (!text) return std::move(text).error();
  auto plan = parse_recording(*text);
  if (!plan) return std::move(plan).error().context(path);
  return plan;
}

}  // namespace

PageWarmup::PageWarmup(const Policy& policy, void (*print_error)(std::string_view))
    : policy_(policy), budget_(policy.warmup.max_bytes) {
  if (policy.warmup.pages == "off") return;
  if (const auto fs = base::RootFs::open("/")) budget_ = budget(budget_, *fs);
  if (!policy.warmup.pages.starts_with('/')) return;
  auto plan = read_recording(policy.warmup.pages);
  if (!plan) {
    print_error("warmup.pages: " + plan.error().message + "; nothing is read ahead");
    return;
  }
  start([&] { return *std::move(plan); });
}

void PageWarmup::sys_path_is_known(const std::vector<std::string>& sys_path) {
  if (policy_.warmup.pages == "auto") start([&] { return python_plan(sys_path); }, 1);
}

void PageWarmup::image_is_known(const ImageFacts& image) {
  if (policy_.warmup.pages == "auto") start([&] { return auto_plan(image); }, 7);
}

void PageWarmup::start(const Replay::MakePlan& make_plan, unsigned share) {
  ReplayOptions options;
  options.max_bytes = budget_ / 8 * share;
  base::log_verbose("pages: reading ahead, at most " + base::mebibytes(options.max_bytes));
  replays_.push_back(std::make_unique<Replay>(make_plan, options));
}

void PageWarmup::finish(bool goes_on) {
  const auto start = Clock::now();
  for (const auto& replay : replays_) {
    if (!goes_on) replay->wait(start + kPatience);
    const ReplayProgress progress = replay->progress();
    base::log_verbose("pages: asked for " + base::mebibytes(progress.bytes) + " of " +
                      std::to_string(progress.files) + " files, " + std::to_string(progress.stale) +
                      " changed or gone" +
                      (progress.finished ? ""
                       : goes_on         ? ", goes on"
                                         : ", not all"));
    if (goes_on) replay->let_go();
  }
  replays_.clear();
}

}  // namespace gpuinit::warmup
