#include "checks/extension_problems.h"

#include <algorithm>
#include <string_view>

#include "base/library_names.h"
#include "checks/finding_builder.h"
#include "rules/soabi.h"

namespace gpuinit::checks {

namespace {

bool is_torch_symbol(std::string_view name) {
  return name.starts_with("_Z") || name.starts_with("THP") || name.starts_with("torch_") ||
         name.starts_with("aoti_torch_");
}

bool is_python_symbol(std::string_view name) {
  return name.starts_with("Py") || name.starts_with("_Py");
}

std::optional<ExtensionProblem> missing_library(const Extension& extension,
                                                const ImageFacts& image) {
  const auto& missing = extension.problems.missing;
  const auto first = [&](auto wanted) {
    return std::find_if(missing.begin(), missing.end(),
                        [&](const MissingLibrary& one) { return wanted(one.name); });
  };
  auto library = first(base::is_torch_library);
  // Beside a torch without CUDA a package falls back to the CPU as torch does.
  const bool cuda = !image.torch || !image.torch->cuda.is_absent();
  if (library == missing.end() && (cuda || extension.asked_for))
    library = first(base::is_core_cuda_library);
  if (library != missing.end())
    return ExtensionProblem{&extension, ExtensionFault::kLibrary, library->name};
  return ExtensionProblem{
      &extension, extension.asked_for ? ExtensionFault::kLibrary : ExtensionFault::kOptional,
      missing.front().name};
}

std::optional<ExtensionProblem> undefined_symbol(const Extension& extension) {
  const auto& symbols = *extension.problems.undefined_symbols;
  const auto first = [&](auto wanted) {
    const auto found = std::find_if(symbols.begin(), symbols.end(),
                                    [&](const UndefinedSymbol& one) { return wanted(one.name); });
    return found == symbols.end() ? std::string() : found->name;
  };
  if (auto name = first(is_torch_symbol); !name.empty())
    return ExtensionProblem{&extension, ExtensionFault::kTorch, std::move(name)};
  if (auto name = first(is_python_symbol); !name.empty())
    return ExtensionProblem{&extension, ExtensionFault::kPython, std::move(name)};
  return ExtensionProblem{&extension, ExtensionFault::kCuda, symbols.front().name};
}

// The file name with what alternatives differ in taken out.
std::string pattern_of(const Extension& extension) {
  const auto slash = extension.path.rfind('/') + 1;
  std::string name = extension.path.substr(slash);
  if (extension.soabi)
    if (const auto at = name.find("." + *extension.soabi); at != std::string::npos)
      name.erase(at, extension.soabi->size() + 1);
  for (const std::string_view backend : {"cuda", "rocm", "xpu", "cpu", "hip"})
    for (auto at = name.find(backend); at != std::string::npos; at = name.find(backend))
      name.replace(at, backend.size(), "@");
  std::string pattern = extension.path.substr(0, slash);
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) pattern += c;
    else if (!pattern.ends_with('#')) pattern += '#';
  }
  return pattern;
}

}  // namespace

std::optional<ExtensionProblem> problem_of(const Extension& extension, const ImageFacts& image) {
  using Fault = ExtensionFault;
  const LoadProblems& problems = extension.problems;
  if (image.interpreter) {
    const Interpreter& python = *image.interpreter;
    if (extension.machine && python.machine && *extension.machine != *python.machine)
      return ExtensionProblem{&extension, Fault::kMachine, *extension.machine};
    if (extension.soabi && python.soabi &&
        rules::imports_extension(*python.soabi, *extension.soabi) == Tristate::kNo)
      return ExtensionProblem{&extension, Fault::kSoabi, *extension.soabi};
  }
  if (extension.init_function && extension.init_function->starts_with("init"))
    return ExtensionProblem{&extension, Fault::kPython2, *extension.init_function};
  if (!problems.missing.empty()) return missing_library(extension, image);
  if (!problems.missing_versions.empty()) {
    const MissingVersion& version = problems.missing_versions.front();
    return ExtensionProblem{&extension, Fault::kVersion,
                            joined({version.version, " of ", version.file})};
  }
  if (!problems.undefined_symbols || problems.undefined_symbols->empty()) return std::nullopt;
  // The ABI alone proves nothing: what is asked for may exist in both.
  const bool abis = image.torch && image.torch->cxx11_abi && extension.cxx11_abi;
  if (abis && *image.torch->cxx11_abi != *extension.cxx11_abi)
    return ExtensionProblem{&extension, Fault::kCxxAbi, problems.undefined_symbols->front().name};
  return undefined_symbol(extension);
}

std::vector<std::vector<const Extension*>> alternatives(const std::vector<Extension>& extensions) {
  std::vector<std::vector<const Extension*>> groups;
  std::vector<std::string> patterns;
  for (const Extension& extension : extensions) {
    std::string pattern = pattern_of(extension);
    const auto same = std::find(patterns.begin(), patterns.end(), pattern);
    const auto place = static_cast<std::size_t>(same - patterns.begin());
    if (same == patterns.end()) {
      patterns.push_back(std::move(pattern));
      groups.emplace_back();
    }
    groups[place].push_back(&extension);
  }
  return groups;
}

}  // namespace gpuinit::checks
