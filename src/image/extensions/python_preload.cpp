#include "image/extensions/python_preload.h"

#include <string_view>

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxSource = 4ULL * 1024 * 1024;
constexpr std::size_t kMaxSources = 100;  // Python files beside one extension

// "libcusolver.so.11" → "cusolver"
std::string_view stem_of(std::string_view library) {
  const std::string_view stem = library.substr(0, library.find(".so"));
  return stem.starts_with("lib") ? stem.substr(3) : stem;
}

bool opens_libraries(std::string_view source, std::string_view stem) {
  const auto has = [&](std::string_view text) {
    return source.find(text) != std::string_view::npos;
  };
  if (has("import pathfinder") || has("cuda.pathfinder")) return true;
  return has(stem) && has("nvidia") && (has("CDLL(") || has("LoadLibrary("));
}

}  // namespace

std::string opened_by_python(const base::RootFs& fs, WheelLibraries& wheels,
                             const std::string& extension, const std::string& library) {
  const std::vector<std::string>& paths = wheels.files(library);
  if (paths.empty()) return "";
  const std::string directory(base::parent(extension));
  std::size_t read = 0;
  for (const std::string& name : fs.list(directory).value_or({})) {
    if (!name.ends_with(".py")) continue;
    if (++read > kMaxSources) {
      static_cast<void>(
          limit_error(directory, "more than " + std::to_string(kMaxSources) + " Python files"));
      break;
    }
    const auto source = fs.read_file(base::join(directory, name), kMaxSource);
    if (source && opens_libraries(*source, stem_of(library))) return paths.front();
  }
  return "";
}

}  // namespace gpuinit::image
