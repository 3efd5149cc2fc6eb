#include "image/frameworks/python_frameworks.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "base/glob.h"
#include "base/library_names.h"
#include "base/text.h"
#include "image/extensions/extension_files.h"
#include "image/frameworks/framework_code.h"

namespace gpuinit::image {

namespace {

using ldso::LoaderClosure;
using rules::tables::KnownFramework;

// Below `site`; of a pattern the first file that fits.
std::string find_library(const base::RootFs& fs, const std::string& site,
                         std::string_view pattern) {
  std::string path = base::join(site, pattern);
  if (pattern.find('*') == std::string_view::npos) return fs.is_file(path) ? path : "";
  const std::string directory(base::parent(path));
  for (const std::string& name : fs.list(directory).value_or({}))
    if (base::matches_glob(base::basename(path), name)) return base::join(directory, name);
  return "";
}

// "12" of "jax-cuda12-pjrt" and of "nvidia-cudnn-cu12<10.0"; empty: it has no such part.
std::string cuda_in_name(std::string_view name) {
  for (const std::string_view mark : {"-cuda", "-cu"})
    for (auto at = name.find(mark); at != std::string_view::npos; at = name.find(mark, at + 1))
      if (const auto number = name.substr(at + mark.size()).substr(0, 2);
          number.size() == 2 && base::parse_number(number))
        return std::string(number);
  return "";
}

Fact<std::string> cuda_of_package(const Package& package, const std::vector<std::string>& needed,
                                  const std::vector<std::string_view>& opens) {
  std::string cuda = cuda_of(needed);
  if (cuda.empty()) cuda = cuda_in_name(package.name);
  for (const std::string& requirement : package.requires_dist)
    if (cuda.empty() && requirement.starts_with("nvidia-"))
      cuda = cuda_in_name(requirement.substr(0, requirement.find_first_of(" <>=!~;[")));
  if (cuda.empty()) cuda = cuda_of({opens.begin(), opens.end()});
  if (!cuda.empty()) return cuda;
  return Fact<std::string>::unknown("nothing of " + package.name + " says it");
}

// "libnccl.so.2?" is one that it can do without.
std::string name_of(std::string_view word) { return std::string(word.substr(0, word.find('?'))); }

}  // namespace

PythonFrameworks::PythonFrameworks(const base::RootFs& fs, const ldso::LibrarySearch& libraries,
                                   const std::vector<Package>& packages,
                                   FoundExtensions& extensions)
    : fs_(fs), search_(libraries) {
  for (const Package& package : packages)
    for (const KnownFramework& known : rules::tables::kKnownFrameworks)
      if (package.name.starts_with(known.distribution)) add(known, package, extensions);
}

void PythonFrameworks::add(const KnownFramework& known, const Package& package,
                           FoundExtensions& extensions) {
  // The first on sys.path is imported.
  for (std::size_t i = 0; i < known_.size(); ++i)
    if (known_[i] == &known) return;
  const std::string site(base::parent(package.path));
  const auto patterns = base::split_words(known.libraries);
  const std::string path = find_library(fs_, site, patterns.front());
  if (path.empty()) return;
  Framework framework;
  framework.name = known.name;
  framework.path = path;
  framework.version = package.version;
  framework.for_gpu = known.for_gpu;
  framework.falls_back = known.falls_back;
  Extension library;
  std::vector<std::string> needed;
  if (extensions.facts) {
    auto& all = extensions.facts.value();
    const auto same = std::ranges::find(all, path, &Extension::path);
    if (same != all.end()) {
      if (same->asked_for) return;
      const auto at = same - all.begin();
      library = std::move(*same);
      all.erase(same);
      needed = std::move(extensions.needed[static_cast<std::size_t>(at)]);
      extensions.needed.erase(extensions.needed.begin() + at);
      framework.device_code = std::move(library.device_code);
    }
  }
  const bool was_read = !library.path.empty();
  if (!was_read) framework.device_code = Fact<DeviceCode>::absent("it carries no device code");
  for (std::size_t i = was_read ? 1 : 0; i < patterns.size(); ++i)
    if (const std::string file = find_library(fs_, site, patterns[i]); !file.empty())
      read_code(framework, file, library, needed);
  // tensorflow-cpu: the same library, without CUDA.
  if (framework.device_code.is_absent() && !known.for_gpu) return;
  std::vector<std::string_view> opens;
  if (known.not_in.empty() || !package.version.starts_with(known.not_in))
    opens = base::split_words(known.opens);
  framework.cuda = cuda_of_package(package, needed, opens);
  frameworks_.push_back(std::move(framework));
  known_.push_back(&known);
  libraries_.push_back(std::move(library));
  needed_.push_back(std::move(needed));
}

// The first file is the library that is loaded.
void PythonFrameworks::read_code(Framework& framework, const std::string& path, Extension& library,
                                 std::vector<std::string>& needed) {
  auto file = fs_.open_file(path);
  if (!file) return;
  const auto source = std::make_shared<const base::FileSource>(std::move(file).value());
  source->expect_random_access();
  auto elf = elf::ElfFile::open(source);
  if (!elf) {
    framework.device_code = Fact<DeviceCode>::unknown(elf.error().message);
    return;
  }
  // What TensorRT carries lies in libraries of its own for each GPU.
  if (framework.name != "tensorrt") add_code(*elf, path, framework.device_code);
  if (!library.path.empty()) return;
  library.path = path;
  library.machine = elf->machine();
  library.soabi = Fact<std::string>::absent();
  search_.keep(path, *source, *elf);
  if (auto dynamic = elf->dynamic()) needed = std::move(dynamic->needed);
}

void PythonFrameworks::open_wheels(LoaderClosure& closure, WheelLibraries& wheels) const {
  for (const KnownFramework* known : known_)
    for (const std::string_view word : base::split_words(known->from_wheels ? known->opens : ""))
      if (const auto& files = wheels.files(name_of(word)); !files.empty())
        static_cast<void>(closure.open(files.front()));  // a failure leaves it missing
}

void PythonFrameworks::open_by_name(LoaderClosure& closure, WheelLibraries& wheels) {
  for (std::size_t i = 0; i < frameworks_.size(); ++i) {
    Framework& framework = frameworks_[i];
    const KnownFramework& known = *known_[i];
    const std::size_t object = closure.answering_to(libraries_[i].path);
    if (object == LoaderClosure::kMissing) continue;
    std::vector<std::size_t> objects{object};
    const bool opens =
        known.not_in.empty() || !framework.version.value_or("").starts_with(known.not_in);
    bool all = opens && !known.opens.empty();
    for (const std::string_view word : base::split_words(opens ? known.opens : "")) {
      const bool optional = word.ends_with('?');
      const std::string name = name_of(word);
      const auto& in_wheels = wheels.files(name);
      Result<std::size_t> opened = Error{"not found", ENOENT};
      if (known.from_wheels && !in_wheels.empty()) opened = closure.open(in_wheels.front());
      if (!opened) opened = closure.open(name, object);
      if (opened) {
        objects.push_back(*opened);
      } else if (!optional) {
        all = all && !in_wheels.empty();
        if (!is_unread(opened.error().code))
          libraries_[i].problems.missing.push_back({name, framework.path, "not found", in_wheels});
      }
    }
    framework.for_gpu = framework.for_gpu || all;
    framework.libraries = cuda_libraries(fs_, closure, with_needs(closure, std::move(objects)));
  }
}

std::vector<Framework> PythonFrameworks::finish(const std::string& problem) {
  for (std::size_t i = 0; i < frameworks_.size(); ++i) {
    LoadProblems& problems = frameworks_[i].problems;
    problems = std::move(libraries_[i].problems);
    // Its own other libraries its Python code has opened before (libtensorflow_framework).
    std::erase_if(problems.missing, [](const MissingLibrary& missing) {
      return !base::is_cuda_library(missing.name) && !missing.reason.ends_with(ldso::kRefusesStack);
    });
    if (!problem.empty())
      problems.undefined_symbols = Fact<std::vector<UndefinedSymbol>>::unknown(problem);
  }
  return std::move(frameworks_);
}

}  // namespace gpuinit::image
