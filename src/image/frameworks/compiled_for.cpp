#include "image/frameworks/compiled_for.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/text.h"
#include "elf/fatbin.h"
#include "elf/string_scan.h"

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

constexpr std::string_view kNumpy1 = "numpy.core._multiarray_umath";
constexpr std::string_view kNumpy2 = "numpy._core._multiarray_umath";
constexpr std::string_view kNumpy = "_multiarray_u";  // of both

bool is_numpy(std::string_view text) { return text.ends_with(kNumpy1) || text.ends_with(kNumpy2); }

using Strings = Result<std::set<std::string>>;

Fact<std::string> numpy_abi(const Strings& strings, const elf::ElfFile& elf) {
  if (!strings) return Fact<std::string>::unknown(strings.error().message);
  const auto any = [&](std::string_view end) {
    return std::ranges::any_of(*strings, [&](const auto& text) { return text.ends_with(end); });
  };
  if (any(kNumpy2)) return std::string("2");
  if (any(kNumpy1)) return std::string("1");
  return Fact<std::string>::absent(elf.source().name() + " does not use NumPy's C API");
}

Archs arch_list(const Strings& strings, const std::string& path) {
  if (!strings) return Archs::unknown(strings.error().message);
  std::set<std::string_view> lists;
  for (const std::string& text : *strings)
    if (const auto list = arch_list_at_end(text); !list.empty()) lists.insert(list);
  if (lists.size() != 1)
    return Archs::unknown(std::to_string(lists.size()) + " constants of " + path +
                          " look like an architecture list");
  const auto words = base::split(*lists.begin(), ' ');
  return std::vector<std::string>(words.begin(), words.end());
}

}  // namespace

Fact<std::string> read_numpy_abi(const elf::ElfFile& elf) {
  return numpy_abi(elf::scan_strings(elf, {kNumpy}, is_numpy), elf);
}

TorchConstants read_torch_constants(const TorchLibrary& python, bool cuda_build) {
  if (!cuda_build) return {read_numpy_abi(python.elf), Archs::absent("torch is not a CUDA build")};
  const auto strings = elf::scan_strings(
      python.elf, {kNumpy, "sm_", "compute_"},
      [](std::string_view text) { return is_numpy(text) || !arch_list_at_end(text).empty(); });
  return {numpy_abi(strings, python.elf), arch_list(strings, python.path)};
}

Fact<DeviceCode> read_device_code(const TorchLibraries& libraries) {
  DeviceCode code;
  for (const char* stem : {"libtorch_cuda", "libtorch_cuda_cu", "libtorch_cuda_cpp"}) {
    const TorchLibrary* library = libraries.find(stem);
    if (library == nullptr) continue;
    if (auto read = elf::read_fatbins(library->elf, code); !read)
      return Fact<DeviceCode>::unknown(read.error().message);
    code.files.push_back(library->path);
  }
  if (code.files.empty()) return Fact<DeviceCode>::absent("no libtorch_cuda");
  return code;
}

}  // namespace gpuinit::image
