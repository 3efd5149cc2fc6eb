#include "warmup/page_warmup.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/byte_size.h"
#include "base/cgroup_memory.h"
#include "base/log.h"
#include "base/text.h"
#include "warmup/recording.h"

namespace gpuinit::warmup {

namespace {

using Clock = std::chrono::steady_clock;

// How long exec waits for what has not been asked for yet. Where the disk's queue is full
// that is as slow as reading; it still wins over page faults one by one.
constexpr std::chrono::milliseconds kPatience{1000};

Result<PagePlan> read_recording(const std::string& path) {
  auto text = base::read_own_file(path, kMaxRecording);
  if (!text) return std::move(text).error();
  auto plan = parse_recording(*text);
  if (!plan) return std::move(plan).error().context(path);
  return plan;
}

// MemAvailable of /proc/meminfo (proc(5)), in bytes.
std::optional<std::uint64_t> available_memory(const base::RootFs& fs) {
  const auto text = fs.read_kernel_file("/proc/meminfo", 64ULL * 1024);
  if (!text) return std::nullopt;
  for (const auto line : base::split_lines(*text)) {
    const auto words = base::split_words(line);
    if (words.size() < 2 || words[0] != "MemAvailable:") continue;
    const auto kibibytes = base::parse_number(words[1]);
    if (kibibytes && *kibibytes < (std::uint64_t{1} << 50)) return *kibibytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t budget(std::uint64_t wanted, const base::RootFs& fs) {
  std::uint64_t bytes = wanted;
  if (const auto available = available_memory(fs)) bytes = std::min(bytes, *available / 2);
  if (const auto room = base::read_cgroup_memory(fs).room) bytes = std::min(bytes, *room / 2);
  return bytes;
}

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
  base::log_verbose("pages: reading ahead, at most " + base::whole_mebibytes(options.max_bytes));
  replays_.push_back(std::make_unique<Replay>(make_plan, options));
}

void PageWarmup::finish(bool goes_on) {
  const auto start = Clock::now();
  for (const auto& replay : replays_) {
    if (!goes_on) replay->wait(start + kPatience);
    const ReplayProgress progress = replay->progress();
    base::log_verbose("pages: asked for " + base::whole_mebibytes(progress.bytes) + " of " +
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
