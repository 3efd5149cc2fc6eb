#include "warmup/budget.h"

#include <algorithm>
#include <optional>

#include "base/cgroup_memory.h"
#include "base/root_fs.h"
#include "base/text.h"

namespace gpuinit::warmup {

namespace {

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

}  // namespace gpuinit::warmup
