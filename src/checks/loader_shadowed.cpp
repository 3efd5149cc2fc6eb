// loader.shadowed: torch gets the CUDA libraries that it was installed with.
#include <algorithm>

#include "base/root_fs.h"
#include "base/text.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

// A copy that a wheel brought: …/site-packages/nvidia/nvjitlink/lib/libnvJitLink.so.12, and
// …/site-packages/cusparselt/lib/libcusparseLt.so.0 beside torch 2.6.
bool is_of_wheel(const std::string& path) {
  const auto lib = base::parent(path);
  const auto above = base::basename(base::parent(base::parent(lib)));
  return base::basename(lib) == "lib" &&
         (above == "nvidia" || above == "site-packages" || above == "dist-packages");
}

// What would let the wheel's copy be found, by the rule that found the other.
std::string cure(const LoadedLibrary& library) {
  const std::string_view by = library.found_by;
  const std::string_view directory = base::parent(library.path);
  if (by.starts_with("LD_"))
    return joined({"Take ", directory, " out of ", by.substr(0, by.find(','))});
  if (by.starts_with("ld.so.cache"))
    return joined({"Take ", directory, " out of /etc/ld.so.conf.d and run ldconfig"});
  return joined({"Remove ", library.path, " from the image"});
}

// "9.10.2" and "9.10.2.21" are one release; "12" and "12.8.90" may be; "1.0.0" of libnvToolsExt
// counts otherwise than its package.
bool is_another_release(std::string_view of_file, std::string_view of_package) {
  const auto files = base::split(of_file, '.');
  const auto packages = base::split(of_package, '.');
  for (std::size_t i = 0; i < std::min(files.size(), packages.size()); ++i)
    if (files[i] != packages[i]) return i > 0;
  return false;
}

// The N of a directory cuda-N or cuda-N.M; empty if the path has none.
std::string_view cuda_major_in(std::string_view path) {
  constexpr std::string_view kMark = "/cuda-";
  const auto at = path.find(kMark);
  if (at == std::string_view::npos) return {};
  path.remove_prefix(at + kMark.size());
  return path.substr(0, path.find_first_not_of("0123456789"));
}

// No wheel brings what torch's metadata asks for, and a library of another release, or of another
// CUDA, answers to the name.
Findings found_elsewhere(const Context& context) {
  const ImageFacts& image = context.image;
  if (!image.packages || !image.interpreter) return {};
  const Installed installed(image);
  Finding finding = warning("");
  for (const LoadedLibrary& library : image.loader->libraries) {
    if (!is_of_cuda(library.name) || is_of_wheel(library.path)) continue;
    const auto wanted = torch_requires(installed, library.name);
    if (!wanted || installed.find(wanted->name) != nullptr || !wanted->specifiers.starts_with("=="))
      continue;
    const std::string_view major = cuda_major_in(library.path);
    const auto suffix = wanted->name.rfind("-cu");
    const bool other_cuda =
        !major.empty() && suffix != std::string::npos && wanted->name.substr(suffix + 3) != major;
    if (!other_cuda &&
        !is_another_release(library.version, std::string_view(wanted->specifiers).substr(2)))
      continue;
    if (finding.summary.empty()) {
      finding.summary = joined({"torch asks for ", wanted->name, wanted->specifiers,
                                ", which is not installed, and gets ", library.path});
      finding.fix = as_torch_asks(context, library.name);
    }
    finding.about.push_back(library.name);
    add_evidence(finding, "loaded", library.path + " (" + library.found_by + ")");
    if (library.version.find('.') != std::string::npos)
      add_evidence(finding, "release", library.version);
    add_evidence(finding, "asked for", wanted->name + wanted->specifiers);
  }
  if (finding.summary.empty()) return {};
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "The loader takes what has the name. torch was not tested with it: it may lack functions, be "
      "for another CUDA, or compute more slowly.";
  return finding;
}

Findings run(const Context& context) {
  if (auto skip = loader_not_read(context)) return skip;

  std::vector<std::pair<std::string, std::string>> pairs;  // loaded and by which rule, hidden
  std::vector<std::string> about;
  std::string names;
  std::string fix;
  for (const LoadedLibrary& library : context.image.loader->libraries) {
    if (!is_of_cuda(library.name) || is_of_wheel(library.path)) continue;
    const auto wheel = std::find_if(library.hides.begin(), library.hides.end(), is_of_wheel);
    // A part of cuDNN that the wheel does not have.
    const bool part = library.name.starts_with("libcudnn_") && is_of_wheel(library.needed_by);
    if (wheel == library.hides.end() && !part) continue;
    if (pairs.empty()) fix = cure(library);
    if (pairs.size() < 3) names += (names.empty() ? "" : ", ") + library.name;
    about.push_back(library.name);
    pairs.emplace_back(library.path + " (" + library.found_by + ")",
                       wheel == library.hides.end() ? "none, for " + library.needed_by : *wheel);
  }
  if (pairs.empty()) return found_elsewhere(context);
  if (pairs.size() > 3) names += " and " + std::to_string(pairs.size() - 3) + " more";

  Finding finding =
      failure(kExitImage, "torch gets another " + names +
                              " than that of the nvidia-* wheels that it was installed with");
  finding.about = std::move(about);
  for (std::size_t i = 0; i < std::min<std::size_t>(pairs.size(), 4); ++i) {
    add_evidence(finding, "loaded", pairs[i].first);
    add_evidence(finding, "hidden", pairs[i].second);
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "torch was tested with its own. Another release may lack symbols (\"undefined symbol: "
      "__nvJitLinkAddData_12_1\"), compute more slowly, or wrongly; parts of two cuDNN end with "
      "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH.";
  finding.fix = fix + "; torch's wheels need no other CUDA.";
  return finding;
}

}  // namespace

extern constexpr Check kLoaderShadowed{
    .id = "loader.shadowed",
    .level = Level::kWarn,
    .exit_codes = "65",
    .suppressed_by =
        "platform python.interpreter python.abi loader.missing loader.version loader.symbol",
    .needs_certain_interpreter = true,
    .title = "a CUDA library other than the one torch was installed with is loaded",
    .looks_at =
        "For each CUDA library that torch loads: whether an nvidia-* wheel on sys.path has a file "
        "of that name, and another file is loaded instead; and whether a wheel that torch asks for "
        "is "
        "not installed, and a file of another release or another CUDA is loaded. The parts "
        "that libcudnn opens by name are looked for as it does.",
    .why =
        "torch was built and tested with the release in the wheel. Another one may lack a "
        "function, be slower, or compute wrong results, and only some of the jobs notice.",
    .fix = "Take CUDA toolkit directories out of LD_LIBRARY_PATH and /etc/ld.so.conf.d.",
    .source = "ld.so(8); https://github.com/pytorch/pytorch/issues/138460, /188892",
    .run = run,
};

}  // namespace gpuinit::checks
