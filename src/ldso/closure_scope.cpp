// What can be asked of a closure once it is there: names, scopes, what a file hides.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "ldso/loader_closure.h"
#include "ldso/loader_rules.h"

namespace gpuinit::ldso {

std::size_t LoaderClosure::answering_to(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kMissing : found->second;
}

std::size_t LoaderClosure::most_demanding() const {
  std::size_t most = kMissing;
  int level = 0;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    const int asked = objects_[i].dynamic.cpu_level;
    if (asked <= level || !hwcaps_of(objects_[i].path).empty()) continue;
    level = asked;
    most = i;
  }
  return most;
}

// `roots` and what they need, breadth first, behind what is in `list` already.
void LoaderClosure::add_search_list(std::vector<std::size_t> roots,
                                    std::vector<std::size_t>& list) const {
  std::vector<bool> queued(objects_.size());
  std::vector<bool> listed(objects_.size());
  for (const std::size_t object : roots) queued[object] = true;
  for (const std::size_t object : list) listed[object] = true;
  for (std::size_t at = 0; at < roots.size(); ++at) {
    const std::size_t object = roots[at];
    if (!listed[object]) list.push_back(object);
    for (const std::size_t need : objects_[object].needs) {
      if (need == kMissing || queued[need]) continue;
      queued[need] = true;
      roots.push_back(need);
    }
  }
}

std::vector<std::size_t> LoaderClosure::scope_of(std::size_t object) const {
  std::vector<std::size_t> scope;
  add_search_list(start_, scope);
  const std::size_t opened = objects_[object].loaded_for;
  if (opened == kProgram) return scope;
  // Objects are numbered in the order of loading.
  for (const std::size_t global : global_)
    if (global < opened) add_search_list({global}, scope);
  add_search_list({opened}, scope);
  return scope;
}

std::vector<FoundLibrary> LoaderClosure::shadowed(std::size_t object) const {
  if (object == kProgram || objects_[object].name.find('/') != std::string::npos) return {};
  const LoadedObject& taken = objects_[object];
  auto all = candidates(taken.name, taken.asked_by);
  std::erase_if(all, [&](const FoundLibrary& one) { return one.real_path == taken.real_path; });
  return all;
}

}  // namespace gpuinit::ldso
