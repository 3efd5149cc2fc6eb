#include "image/frameworks/torch_preload.h"

#include <algorithm>

#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMaxItems = 64;
constexpr std::string_view kPattern = ".so.*[0-9]\"";
constexpr std::string_view kCondition = "libcudart.so\" not in _maps";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() < 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  });
}

// The text between the quote at or before `end` and the one before that.
std::string_view literal_before(std::string_view text, std::size_t end) {
  const auto close = text.rfind('"', end);
  if (close == std::string_view::npos || close == 0) return {};
  const auto open = text.rfind('"', close - 1);
  return open == std::string_view::npos ? std::string_view{}
                                        : text.substr(open + 1, close - open - 1);
}

void add(std::vector<PreloadItem>& items, PreloadItem item) {
  if (items.size() < kMaxItems) items.push_back(std::move(item));
}

}  // namespace

TorchPreload parse_torch_preload(std::string_view text) {
  TorchPreload preload;
  for (auto at = text.find(kPattern); at != std::string_view::npos;
       at = text.find(kPattern, at + kPattern.size())) {
    const auto open = text.rfind('"', at);
    if (open == std::string_view::npos || open == 0) continue;
    const std::string_view stem = text.substr(open + 1, at - open - 1);
    const std::string_view folder = literal_before(text, open - 1);
    if (!is_name(stem) || !is_name(folder)) continue;
    // An item of the list, or a call for one library: `_preload_cuda_deps("nvjitlink", …)`.
    const auto begin = static_cast<std::size_t>(folder.data() - text.data()) - 1;
    const bool called =
        text.substr(0, begin).ends_with('(') && !text.substr(0, begin).ends_with(" (");
    const bool optional =
        text.substr(at, text.find('\n', at) - at).find("required=False") != std::string_view::npos;
    PreloadItem item{std::string(folder), std::string(stem), !optional};
    add(called && !optional ? preload.after_success : preload.after_failure, std::move(item));
  }
  // Since 2.10 or so the whole list serves both cases, and then nothing of it is required.
  if (text.find("_preload_cuda_deps(required=False)") != std::string_view::npos) {
    preload.after_success = preload.after_failure;
    for (PreloadItem& item : preload.after_success) item.required = false;
  }
  const auto at = text.find(kCondition);
  if (at == std::string_view::npos) {
    preload.after_success.clear();
  } else {
    const auto open = text.rfind('"', at);
    preload.beside = text.substr(open + 1, at + kCondition.find('"') - open - 1);
  }
  return preload;
}

std::string find_preload(const base::RootFs& fs, const std::vector<std::string>& sys_path,
                         const PreloadItem& item, std::string_view cuda) {
  const std::string prefix = item.stem + ".so.";
  const std::string major(cuda.substr(0, cuda.find('.')));
  for (const std::string& entry : sys_path)
    for (const std::string& folder : {"nvidia/" + item.folder, "nvidia/cu" + major, item.folder}) {
      const std::string directory = base::join(entry, folder + "/lib");
      for (const std::string& name : fs.list(directory).value_or({}))
        if (name.starts_with(prefix) && base::is_digit(name.back()))
          return base::join(directory, name);
    }
  return "";
}

}  // namespace gpuinit::image
