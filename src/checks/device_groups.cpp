#include "checks/device_groups.h"

#include <algorithm>
#include <utility>

#include "base/byte_size.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

using Group = std::pair<std::string, std::vector<std::size_t>>;

// Equal texts, in the order in which they first come, and where they stand.
std::vector<Group> groups_of(const std::vector<std::string>& items) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto same = std::ranges::find(groups, items[i], &Group::first);
    if (same != groups.end()) same->second.push_back(i);
    else groups.push_back({items[i], {i}});
  }
  return groups;
}

}  // namespace

std::string counted(const std::vector<std::string>& items) {
  const auto groups = groups_of(items);
  std::string all;
  for (const auto& [text, where] : groups) {
    if (!all.empty()) all += "; ";
    if (groups.size() < items.size()) all += joined({std::to_string(where.size()), " × "});
    all += text;
  }
  return all;
}

std::string common(const std::vector<std::string>& items) {
  return groups_of(items).size() == 1 ? items.front() : counted(items);
}

std::string device_words(const Device& device) {
  std::string text = device.name.value_or("");
  if (device.compute_capability) {
    if (!text.empty()) text += ", ";
    text += "compute capability " + *device.compute_capability;
  }
  return text;
}

std::string words_with_mode(const Device& device) {
  std::string text = device_words(device);
  if (device.compute_mode && *device.compute_mode != "default")
    text += joined({text.empty() ? "" : ", ", "compute mode ", *device.compute_mode});
  return text;
}

void add_devices(Finding& finding, const std::vector<Device>& devices,
                 const std::vector<std::size_t>& indices, std::string (*words)(const Device&)) {
  constexpr std::size_t kMost = 16;
  std::vector<std::string> texts;
  for (const std::size_t index : indices) texts.push_back(words(devices[index]));
  for (auto& [text, where] : groups_of(texts)) {
    for (std::size_t& place : where) place = indices[place];
    if (const auto& uuid = devices[where.front()].uuid; where.size() == 1 && uuid)
      text += joined({text.empty() ? "" : ", ", *uuid});
    if (!text.empty()) add_evidence(finding, "gpus", gpus(where), std::move(text));
    if (finding.evidence.size() >= kMost) break;
  }
}

std::string sized_words(const Device& device) {
  std::string text = device_words(device);
  if (device.memory_bytes)
    text += joined({text.empty() ? "" : ", ", base::byte_size(*device.memory_bytes)});
  return text;
}

}  // namespace gpuinit::checks
