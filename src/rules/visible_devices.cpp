#include "rules/visible_devices.h"

#include <algorithm>

#include "base/text.h"

namespace gpuinit::rules {

namespace {

using Kind = VisibleEntry::Kind;

// The number that `text` begins with; nullopt if there is none or it is negative.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto number = base::parse_number(text.substr(0, text.find_first_not_of("0123456789")));
  if (!number || (negative && *number != 0)) return std::nullopt;
  return number;
}

std::optional<VisibleEntry> parse_entry(std::string_view text) {
  VisibleEntry entry;
  entry.text = std::string(text);
  if (text.starts_with("GPU-") || text.starts_with("MIG-")) {
    entry.kind = text.starts_with("GPU-") ? Kind::kGpu : Kind::kMig;
    return entry;
  }
  const auto number = leading_number(text);
  if (!number) return std::nullopt;
  entry.index = *number;
  return entry;
}

bool same(const VisibleEntry& a, const VisibleEntry& b) {
  if (a.kind != b.kind) return false;
  return a.kind == Kind::kIndex ? a.index == b.index : a.text == b.text;
}

// Ends the list before the entry at `at`.
void cut(VisibleDevices& list, std::size_t at) {
  std::vector<std::string> unread;
  for (std::size_t i = at + 1; i < list.entries.size(); ++i) unread.push_back(list.entries[i].text);
  if (!list.stopped_at.empty()) unread.push_back(list.stopped_at);
  unread.insert(unread.end(), list.unread.begin(), list.unread.end());
  list.stopped_at = list.entries[at].text;
  list.unread = std::move(unread);
  list.entries.resize(at);
}

}  // namespace

VisibleDevices parse_visible_devices(std::string_view text) {
  VisibleDevices list;
  bool ended = false;
  for (auto part : base::split(text, ',')) {
    part = base::trim(part);
    if (ended) {
      if (!part.empty()) list.unread.emplace_back(part);
      continue;
    }
    const auto entry = parse_entry(part);
    if (!entry) {
      ended = true;
      list.stopped_at = std::string(part);
      continue;
    }
    const bool again = std::ranges::any_of(
        list.entries, [&](const VisibleEntry& earlier) { return same(earlier, *entry); });
    if (again && list.twice.empty()) list.twice = entry->text;
    list.entries.push_back(*entry);
  }
  return list;
}

VisibleDevices among(VisibleDevices list, const KnownGpus& gpus) {
  std::vector<std::size_t> named;  // the GPUs behind UUIDs
  for (std::size_t i = 0; i < list.entries.size(); ++i) {
    const VisibleEntry& entry = list.entries[i];
    if (entry.kind == Kind::kIndex && gpus.count && entry.index >= *gpus.count) {
      cut(list, i);
      return list;
    }
    if (entry.kind != Kind::kGpu || gpus.uuids.empty()) continue;
    std::vector<std::size_t> matches;
    for (std::size_t gpu = 0; gpu < gpus.uuids.size(); ++gpu)
      if (gpus.uuids[gpu].starts_with(entry.text)) matches.push_back(gpu);
    if (matches.size() != 1) {
      cut(list, i);
      return list;
    }
    if (std::ranges::find(named, matches[0]) != named.end() && list.twice.empty())
      list.twice = entry.text;
    named.push_back(matches[0]);
  }
  return list;
}

}  // namespace gpuinit::rules
