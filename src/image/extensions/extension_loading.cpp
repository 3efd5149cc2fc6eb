#include "image/extensions/extension_loading.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/library_names.h"
#include "base/root_fs.h"
#include "image/extensions/python_preload.h"
#include "image/frameworks/driver_functions.h"
#include "image/packages/cut_short.h"

namespace gpuinit::image {

namespace {

using ldso::LoaderClosure;
using Symbols = Fact<std::vector<UndefinedSymbol>>;

// Whether the interpreter would import a file of that name at all.
bool fits(const Extension& extension, const Interpreter& python) {
  if (extension.machine && python.machine && *extension.machine != *python.machine) return false;
  if (!extension.machine) return false;
  return !extension.soabi || *extension.soabi == "abi3" || !python.soabi ||
         *extension.soabi == *python.soabi;
}

// Asked of thousands of names: most differ in the first letter.
bool begins_with_one_of(std::string_view name, const auto& starts) {
  return !name.empty() && std::any_of(starts.begin(), starts.end(), [&](std::string_view start) {
    return name[0] == start[0] && name.starts_with(start);
  });
}

}  // namespace

bool is_checked_symbol(std::string_view name) {
  if (name.starts_with("_Z")) {
    name.remove_prefix(2);
    // Virtual tables and type information.
    if (name.starts_with('T') || name.starts_with('G'))
      for (const std::string_view table : {"TV", "TI", "TS", "TT", "GV"})
        if (name.starts_with(table)) name.remove_prefix(2);
    if (!name.starts_with('N')) return false;
    name.remove_prefix(1);
    while (!name.empty() && (name[0] == 'K' || name[0] == 'V' || name[0] == 'R' || name[0] == 'O'))
      name.remove_prefix(1);
    constexpr std::array<std::string_view, 4> kSpaces{"3c10", "2at", "5torch", "6caffe2"};
    return begins_with_one_of(name, kSpaces);
  }
  constexpr std::array<std::string_view, 5> kStarts{"Py", "_Py", "THP", "aoti_torch_", "torch_"};
  return begins_with_one_of(name, kStarts) || base::is_cuda_function(name) ||
         base::is_driver_function(name);
}

ExtensionLoading::ExtensionLoading(const base::RootFs& fs, WheelLibraries& wheels,
                                   LoaderClosure& closure, const Interpreter& python,
                                   const NeededNames& needed, std::vector<Extension>& extensions)
    : fs_(fs),
      wheels_(wheels),
      closure_(closure),
      python_(python),
      needed_(needed),
      extensions_(extensions) {
  first_own_ = closure.objects().size();
  objects_.resize(extensions.size(), LoaderClosure::kMissing);
  begun_.resize(extensions.size());
  for (std::size_t i = 0; i < extensions.size(); ++i) open(i);
}

// The extensions that this one needs by name come first.
void ExtensionLoading::open(std::size_t index) {
  Extension& extension = extensions_[index];
  if (begun_[index]) return;
  begun_[index] = true;
  extension.problems = LoadProblems{};
  if (!closure_.unknown_because().empty()) {
    extension.problems.undefined_symbols = Symbols::unknown(closure_.unknown_because());
    return;
  }
  if (!fits(extension, python_)) {
    extension.problems.undefined_symbols = Symbols::unknown("it is not for this interpreter");
    return;
  }
  for (const std::string& name : needed_[index])
    for (std::size_t i = 0; i < extensions_.size(); ++i)
      if (extensions_[i].path.ends_with(name) && base::basename(extensions_[i].path) == name)
        open(i);
  for (const std::string& name : needed_[index]) open_before(extension, name);
  auto object = closure_.open(extension.path);
  if (object) {
    objects_[index] = *object;
  } else if (is_unread(object.error().code)) {
    extension.problems.undefined_symbols = Symbols::unknown(object.error().message);
  } else {
    extension.problems.missing.push_back(
        {std::string(base::basename(extension.path)), extension.path, object.error().message, {}});
    extension.problems.undefined_symbols = Symbols::unknown(object.error().message);
  }
}

void ExtensionLoading::open_before(const Extension& extension, const std::string& library) {
  if (!base::is_cuda_library(library) || base::is_driver_library(library) ||
      closure_.answering_to(library) != LoaderClosure::kMissing)
    return;
  const std::string path = opened_by_python(fs_, wheels_, extension.path, library);
  if (!path.empty()) static_cast<void>(closure_.open(path));  // a failure leaves it missing
}

void ExtensionLoading::find_problems(ldso::SymbolCheck& symbols,
                                     const ldso::VersionCheck& versions) {
  for (std::size_t index = 0; index < objects_.size(); ++index) {
    const std::size_t object = objects_[index];
    if (object == LoaderClosure::kMissing) continue;
    LoadProblems& problems = extensions_[index].problems;
    const auto own = brought_in(object);
    add_missing_libraries(own, problems);
    add_missing_versions(own, versions, problems);
    add_undefined_symbols(object, symbols, problems);
  }
}

// Itself first; not the objects of torch.
std::vector<std::size_t> ExtensionLoading::brought_in(std::size_t object) const {
  std::vector<std::size_t> list{object};
  for (std::size_t at = 0; at < list.size(); ++at)
    for (const std::size_t need : closure_.objects()[list[at]].needs)
      if (need != LoaderClosure::kMissing && need >= first_own_ &&
          std::find(list.begin(), list.end(), need) == list.end())
        list.push_back(need);
  return list;
}

// Why a library is missing: what `needed_by` met, or else another object. Null if it is not.
const ldso::LoadFailure* ExtensionLoading::missing(const std::string& name,
                                                   std::size_t needed_by) const {
  const ldso::LoadFailure* found = nullptr;
  for (const auto& one : closure_.missing()) {
    if (one.name != name) continue;
    found = &one;
    if (one.needed_by == needed_by) break;
  }
  return found;
}

void ExtensionLoading::add_missing_libraries(const std::vector<std::size_t>& own,
                                             LoadProblems& problems) const {
  for (const std::size_t one : own) {
    const auto& object = closure_.objects()[one];
    const auto& names = object.dynamic.needed;
    for (std::size_t i = 0; i < std::min(object.needs.size(), names.size()); ++i) {
      if (object.needs[i] != LoaderClosure::kMissing) continue;
      const bool said = std::any_of(problems.missing.begin(), problems.missing.end(),
                                    [&](const auto& before) { return before.name == names[i]; });
      if (said || base::is_driver_library(names[i])) continue;  // the node brings those
      const auto* why = missing(names[i], one);
      if (why != nullptr && is_unread(why->code)) {
        problems.undefined_symbols = Symbols::unknown(why->reason);
        continue;
      }
      std::vector<std::string> elsewhere;
      if (base::is_cuda_library(names[i]))
        if (const auto& paths = wheels_.files(names[i]); !paths.empty())
          elsewhere.push_back(paths.front());
      problems.missing.push_back({names[i], object.path, why == nullptr ? "not found" : reason_of(fs_, *why),
                                  std::move(elsewhere)});
    }
  }
}

void ExtensionLoading::add_missing_versions(const std::vector<std::size_t>& own,
                                            const ldso::VersionCheck& versions,
                                            LoadProblems& problems) const {
  for (const auto& missing : versions.missing)
    if (std::find(own.begin(), own.end(), missing.needed_by) != own.end())
      problems.missing_versions.push_back(missing.version);
}

void ExtensionLoading::add_undefined_symbols(std::size_t object, ldso::SymbolCheck& symbols,
                                             LoadProblems& problems) const {
  if (problems.undefined_symbols != Symbols()) return;  // a library could not be opened
  if (!problems.missing.empty()) {
    problems.undefined_symbols = Symbols::unknown(problems.missing.front().name + " is missing");
    return;
  }
  auto undefined = symbols.undefined(object, is_checked_symbol);
  if (undefined) take_driver_functions(*undefined, problems);
  problems.undefined_symbols =
      undefined ? Symbols(std::move(*undefined)) : Symbols::unknown(undefined.error().message);
}

}  // namespace gpuinit::image
