#include "page_warmup.h"

#include <chrono>

#include "base/log.h"
#include "base/root_fs.h"
#include "output.h"
#include "warmup/auto_plan.h"
#include "warmup/budget.h"
#include "warmup/recording.h"

namespace gpuinit {

namespace {

using Clock = std::chrono::steady_clock;

// How long exec waits for the last requests. They are asked for faster than they are read,
// so this is for disks that do not answer, not for slow ones.
constexpr std::chrono::milliseconds kPatience{2000};

Result<warmup::PagePlan> read_recording(const std::string& path) {
  auto fs = base::RootFs::open("/");
  if (!fs) return std::move(fs).error();
  auto text = fs->read_file(path, warmup::kMaxRecording);
  if (!text) return std::move(text).error();
  auto plan = warmup::parse_recording(*text);
  if (!plan) return std::move(plan).error().context(path);
  return plan;
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

PageWarmup::PageWarmup(const Policy& policy) : policy_(policy) {
  if (!policy.warmup_pages.starts_with('/')) return;
  auto plan = read_recording(policy.warmup_pages);
  if (!plan) {
    complain("warmup.pages: " + plan.error().message + "; nothing is read ahead");
    return;
  }
  start([&] { return *std::move(plan); });
}

void PageWarmup::image_is_known(const ImageFacts& image) {
  if (policy_.warmup_pages != "auto") return;
  start([&] { return warmup::auto_plan(image); });
}

void PageWarmup::start(const warmup::Replay::MakePlan& make_plan) {
  warmup::ReplayOptions options;
  if (const auto fs = base::RootFs::open("/"))
    options.max_bytes = warmup::budget(policy_.warmup_max_bytes, *fs);
  base::log_verbose("pages: reading ahead, at most " + mebibytes(options.max_bytes));
  replay_ = std::make_unique<warmup::Replay>(make_plan, options);
}

void PageWarmup::finish() {
  if (!replay_) return;
  const auto start = Clock::now();
  replay_->wait(start + kPatience);
  const warmup::ReplayProgress progress = replay_->progress();
  replay_.reset();
  const std::chrono::duration<double, std::milli> waited = Clock::now() - start;
  base::log_verbose("pages: asked for " + mebibytes(progress.bytes) + " of " +
                    std::to_string(progress.files) + " files, " + std::to_string(progress.stale) +
                    " changed or gone" + (progress.finished ? "" : ", not all") + "; waited " +
                    std::to_string(static_cast<long>(waited.count())) + " ms");
}

}  // namespace gpuinit
