#include "warmup/page_warmup.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/byte_size.h"
#include "base/cgroup_memory.h"
#include "base/helper_process.h"
#include "base/log.h"
#include "base/text.h"
#include "warmup/recording.h"

namespace gpuinit::warmup {

namespace {

using Clock = std::chrono::steady_clock;

// Storage that has answered nothing for so long is not waited for before exec.
constexpr std::chrono::milliseconds kStalled{1000};
// Nor is a guess for longer: the command may need nothing of it.
constexpr std::chrono::milliseconds kPatienceWithGuesses{1000};

Result<PagePlan> read_recording(const PageWarmup::Recording& recording, const std::string& name) {
  auto text = recording();
  if (!text) return std::move(text).error();
  auto plan = parse_recording(*text);
  if (!plan) return std::move(plan).error().context(name);
  return plan;
}

// Under its own name or that of what it leads to.
bool has_file(const PagePlan& plan, const std::string& path) {
  const auto machine = base::RootFs::open("/");
  const std::string real = machine ? machine->resolve(path).value_or(path) : path;
  return std::ranges::any_of(
      plan.files, [&](const PlannedFile& file) { return file.path == path || file.path == real; });
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

PageWarmup::PageWarmup(const Policy& policy, const Recording& recording,
                       const std::string& awaited_by, void (*print_notice)(std::string_view))
    : guesses_(!recording && policy.warmup.pages == Pages::kAuto),
      budget_(policy.warmup.max_bytes) {
  if (policy.warmup.pages == Pages::kOff) return;
  if (const auto fs = base::RootFs::open("/")) budget_ = budget(budget_, *fs);
  in_flight_ = base::room_for_spares(ReplayOptions{}.in_flight);
  if (!recording) return;
  start([&] {
    auto plan = read_recording(recording, policy.image.seal);
    if (!plan) {
      print_notice("the recorded pages: " + plan.error().message + "; nothing is read ahead");
      return PagePlan{};
    }
    if (awaited_by.empty() || has_file(*plan, awaited_by)) return *std::move(plan);
    base::log_verbose("pages: the recording is not of " + awaited_by);
    return PagePlan{};
  });
}

void PageWarmup::sys_path_is_known(const std::vector<std::string>& sys_path) {
  if (guesses_) start([&] { return python_plan(sys_path); }, 1);
}

void PageWarmup::image_is_known(const ImageFacts& image) {
  if (guesses_) start([&] { return auto_plan(image); }, 7);
}

void PageWarmup::start(const Replay::MakePlan& make_plan, unsigned share) {
  if (in_flight_ < 1)
    return base::log_verbose("pages: nothing is read ahead, few processes may be made");
  ReplayOptions options;
  options.max_bytes = budget_ / 8 * share;
  options.in_flight = in_flight_;
  base::log_verbose("pages: reading ahead, at most " + base::whole_mebibytes(options.max_bytes));
  replays_.push_back(std::make_unique<Replay>(make_plan, options));
}

void PageWarmup::finish(bool goes_on) {
  const auto start = Clock::now();
  for (const auto& replay : replays_) {
    bool wins = !goes_on;
    while (wins) {
      const std::uint64_t before = replay->progress().bytes;
      const bool ended =
          replay->wait(guesses_ ? start + kPatienceWithGuesses : Clock::now() + kStalled);
      wins = !ended && !guesses_ && replay->progress().bytes > before;
    }
    const ReplayProgress progress = replay->progress();
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    // Of a recording the recorded run has touched everything; what of a guess the command needs
    // is not known.
    const char* const rest = goes_on ? ", goes on" : ", not all";
    base::log_verbose(std::string("pages: cached ") + base::whole_mebibytes(progress.bytes) +
                      " of " + std::to_string(progress.files) +
                      (guesses_ ? " guessed" : " recorded") + " files in " +
                      std::to_string(progress.took.count()) + " ms, " +
                      base::whole_mebibytes(progress.fetched) + " of it from storage, " +
                      std::to_string(progress.stale) + " files changed or gone, waited " +
                      std::to_string(waited.count()) + " ms" + (progress.finished ? "" : rest));
    if (goes_on) replay->let_go();
  }
  replays_.clear();
}

}  // namespace gpuinit::warmup
