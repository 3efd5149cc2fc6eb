#include "checks/extension_problems.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/library_names.h"
#include "base/root_fs.h"
#include "base/text.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "checks/loader_names.h"
#include "rules/python_version.h"
#include "rules/soabi.h"
#include "rules/tables/package_releases.h"
#include "rules/version.h"

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
  // It is there, for no other machine, and the loader refuses it.
  if (library == missing.end())
    library = std::ranges::find_if(missing, [](const MissingLibrary& one) {
      return !executable_stack_fix(one.reason).empty();
    });
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

constexpr std::array<std::string_view, 6> kBackends{"cuda", "rocm", "cpu", "xpu", "hip", "cu"};

// Without the backend at its end: "libbitsandbytes_cuda118", "…_torch24-cpu", "…_cu13".
bool cut_backend(std::string& stem) {
  const auto end = stem.find_last_not_of("0123456789.") + 1;
  const std::string_view name = std::string_view(stem).substr(0, end);
  for (const std::string_view backend : kBackends) {
    if (!name.ends_with(backend) || name.size() < backend.size() + 2) continue;
    const auto cut = name.size() - backend.size() - 1;
    if (name[cut] != '_' && name[cut] != '-') continue;
    stem.erase(cut);
    return true;
  }
  return false;
}

// Its path below site-packages with what alternatives differ in taken out.
std::string pattern_of(const Extension& extension) {
  const std::string relative(relative_path(extension));
  const auto dot = relative.find('.', relative.rfind('/') + 1);
  std::string stem = relative.substr(0, dot);
  while (cut_backend(stem)) continue;
  std::string pattern = extension.path.substr(0, extension.path.size() - relative.size());
  for (const char c : stem) {
    if (!base::is_digit(c)) pattern += c;
    else if (!pattern.ends_with('#')) pattern += '#';
  }
  return pattern;
}

// Whether a number behind `word` in its name ("torch28", "cu12", "cuda128") is that of `version`;
// kUnknown where there is no number.
Tristate is_numbered(const Extension& extension, std::string_view word,
                     const Fact<std::string>& version) {
  const auto parsed = rules::parse_version(version.value_or(""));
  const std::string_view name = relative_path(extension);
  Tristate answer = Tristate::kUnknown;
  for (auto at = name.find(word); at != std::string_view::npos; at = name.find(word, at + 1)) {
    std::string digits;
    for (const char c : name.substr(at + word.size())) {
      if (base::is_digit(c)) digits += c;
      else if (c != '.') break;
    }
    if (digits.empty() || !parsed) continue;
    const std::string major = std::to_string(parsed->major());
    if (digits == major + std::to_string(parsed->minor()) || (word != "torch" && digits == major))
      return Tristate::kYes;
    answer = Tristate::kNo;
  }
  return answer;
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

std::string missing_by_name(const std::vector<const Extension*>& group, const ImageFacts& image) {
  if (!image.torch || !image.torch->version) return "";
  constexpr std::string_view kTorch = "_pytorch_", kBits = "libbitsandbytes_cuda";
  const std::string_view name = base::basename(group.front()->path);
  std::string wanted, enough;  // one that begins with it will do
  if (const auto at = name.find(kTorch); at != std::string_view::npos) {
    const std::string_view version = *image.torch->version;
    wanted = joined({name.substr(0, at), kTorch, version.substr(0, version.find('+')), ".so"});
    enough = wanted;
  } else if (name.starts_with("libbitsandbytes_") && image.packages) {
    const auto cuda = rules::parse_version(image.torch->cuda.value_or(""));
    const Package* package = Installed(image).find("bitsandbytes");
    if (!cuda || package == nullptr) return "";
    enough = joined({kBits, std::to_string(cuda->major())});
    wanted = joined({enough, std::to_string(cuda->minor()), ".so"});
    using rules::tables::kBitsandbytesWantsMinor;
    if (rules::satisfies_all(package->version, kBitsandbytesWantsMinor) == Tristate::kYes)
      enough = wanted;
  }
  for (const Extension* one : group)
    if (base::basename(one->path).starts_with(enough)) return "";
  return wanted;
}

std::string_view relative_path(const Extension& extension) {
  const std::string_view path = extension.path;
  for (const std::string_view site : {"/site-packages/", "/dist-packages/"})
    if (const auto at = path.rfind(site); at != std::string_view::npos)
      return path.substr(at + site.size());
  // A directory of another name: its package's is the last of that name.
  const auto at = path.rfind(joined({"/", extension.package, "/"}));
  return path.substr((at != std::string_view::npos ? at : path.rfind('/')) + 1);
}

bool is_imported(const std::string& package, const ImageFacts& image) {
  if (!image.program || !image.interpreter || !image.interpreter->from_command) return false;
  const std::vector<std::string>& imports = image.program->imports;
  return std::ranges::find(imports, package) != imports.end();
}

std::string asked_for_by(const Extension& extension, const ImageFacts& image) {
  if (extension.asked_for) return "extensions.include";
  if (extension.package == "numpy" && image.torch) return "torch, which imports numpy";
  if (!is_imported(extension.package, image)) return "";
  return "the command, which imports " + extension.package;
}

bool is_named(const Extension& extension, const Policy& policy) {
  return std::ranges::any_of(policy.extensions.include, [&](const std::string& pattern) {
    return pattern.find_first_of("*?") == std::string::npos && relative_path(extension) == pattern;
  });
}

Tristate is_for_torch(const Extension& extension, const ImageFacts& image) {
  if (!image.torch) return Tristate::kUnknown;
  return is_numbered(extension, "torch", image.torch->version);
}

Tristate is_for_cuda(const Extension& extension, const ImageFacts& image) {
  if (!image.torch) return Tristate::kUnknown;
  const Tristate cuda = is_numbered(extension, "cuda", image.torch->cuda);
  return cuda != Tristate::kUnknown ? cuda : is_numbered(extension, "cu", image.torch->cuda);
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
