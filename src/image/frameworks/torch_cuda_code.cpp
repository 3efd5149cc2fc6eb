#include "image/frameworks/torch_cuda_code.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/text.h"
#include "elf/fatbin.h"
#include "image/string_scan.h"

namespace gpuinit::image {

namespace {

using Archs = Fact<std::vector<std::string>>;

// "sm_90a", "compute_120".
bool is_arch(std::string_view word) {
  if (word.starts_with("sm_")) {
    word.remove_prefix(3);
  } else if (word.starts_with("compute_")) {
    word.remove_prefix(8);
  } else {
    return false;
  }
  if (word.ends_with('a') || word.ends_with('f')) word.remove_suffix(1);
  return word.size() >= 2 && word.size() <= 4 && base::parse_number(word).has_value();
}

// The architecture list that `text` ends with; "" if it does not.
std::string_view arch_list_at_end(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto next = std::min(text.find("sm_", at), text.find("compute_", at));
    if (next >= text.size()) break;
    at = next;
    const auto words = base::split(text.substr(at), ' ');
    if (std::all_of(words.begin(), words.end(), is_arch)) return text.substr(at);
  }
  return {};
}

bool ends_with_arch_list(std::string_view text) { return !arch_list_at_end(text).empty(); }

bool known_isa_less(const std::string& a, const std::string& b) {
  const auto number = [](const std::string& isa) {
    const auto dot = isa.find('.');
    const auto major = base::parse_number(std::string_view(isa).substr(0, dot)).value_or(0);
    const auto minor = dot == std::string::npos
                           ? 0
                           : base::parse_number(std::string_view(isa).substr(dot + 1)).value_or(0);
    return std::pair(major, minor);
  };
  return number(a) < number(b);
}

}  // namespace

void add_fatbins(const elf::Fatbins& fatbins, DeviceCode& code) {
  for (const auto& [target, count] : fatbins.entries) code.entries[target] += count;
  for (const auto& group : fatbins.groups) {
    auto same = std::find_if(code.groups.begin(), code.groups.end(),
                             [&](const FatbinGroup& it) { return it.targets == group.targets; });
    if (same == code.groups.end()) {
      same = code.groups.insert(code.groups.end(), FatbinGroup{});
      same->targets = group.targets;
      same->ptx_isa = Fact<std::string>::absent("no PTX");
    }
    same->containers += group.containers;
    if (group.ptx_isa.empty()) continue;
    if (!same->ptx_isa || known_isa_less(*same->ptx_isa, group.ptx_isa))
      same->ptx_isa = group.ptx_isa;
  }
}

Fact<std::vector<std::string>> read_arch_list(const TorchLibraries& libraries) {
  const TorchLibrary* python = libraries.find("libtorch_python");
  if (python == nullptr) return Archs::unknown("no libtorch_python to read it from");
  auto strings = scan_strings(python->elf, {"sm_", "compute_"}, ends_with_arch_list);
  if (!strings) return Archs::unknown(strings.error().message);
  std::set<std::string_view> lists;
  for (const std::string& text : *strings) lists.insert(arch_list_at_end(text));
  if (lists.size() != 1)
    return Archs::unknown(std::to_string(lists.size()) + " constants of " + python->path +
                          " look like an architecture list");
  std::vector<std::string> archs;
  for (auto word : base::split(*lists.begin(), ' ')) archs.emplace_back(word);
  return archs;
}

Fact<DeviceCode> read_device_code(const TorchLibraries& libraries) {
  DeviceCode code;
  for (const char* stem : {"libtorch_cuda", "libtorch_cuda_cu", "libtorch_cuda_cpp"}) {
    const TorchLibrary* library = libraries.find(stem);
    if (library == nullptr) continue;
    auto fatbins = elf::read_fatbins(library->elf);
    if (!fatbins) return Fact<DeviceCode>::unknown(fatbins.error().message);
    code.files.push_back(library->path);
    add_fatbins(*fatbins, code);
  }
  if (code.files.empty()) return Fact<DeviceCode>::absent("no libtorch_cuda");
  return code;
}

}  // namespace gpuinit::image
