#include "checks/loader_names.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/library_names.h"
#include "base/root_fs.h"
#include "checks/finding_builder.h"
#include "rules/tables/library_origins.h"

namespace gpuinit::checks {

namespace {

using namespace std::string_view_literals;

using rules::tables::kLibraryOrigins;
using rules::tables::LibraryOrigin;

// Of a part of a library ("libcudnn_ops.so.9", "libnvrtc-builtins.so.12.8"), that of the library.
const LibraryOrigin* origin_of(std::string_view library) {
  std::string_view stem = library.substr(0, library.find(".so"));
  auto found = std::ranges::find(kLibraryOrigins, stem, &LibraryOrigin::stem);
  if (found == std::end(kLibraryOrigins))
    found = std::ranges::find(kLibraryOrigins, stem.substr(0, stem.find_first_of("_-")),
                              &LibraryOrigin::stem);
  return found == std::end(kLibraryOrigins) ? nullptr : &*found;
}

// nvidia-nccl, nvidia-nccl-cu12; not nvidia-cublas-other.
bool is_from(std::string_view package, const LibraryOrigin& origin) {
  if (!package.starts_with(origin.package)) return false;
  package.remove_prefix(origin.package.size());
  return package.empty() || package.starts_with("-cu");
}

}  // namespace

std::optional<Finding> loader_not_read(const Context& context) {
  const auto& loader = context.image.loader;
  if (loader.is_absent()) return skipped("nothing to load" + because(loader.reason()));
  if (!loader) return unknown("cannot tell what the loader does", loader.reason());
  return std::nullopt;
}

bool is_of_glibc(std::string_view library) {
  for (const auto stem : {"libc.so."sv, "libm.so."sv, "libpthread.so."sv, "libdl.so."sv,
                          "librt.so."sv, "libutil.so."sv, "libresolv.so."sv, "ld-linux"sv})
    if (library.starts_with(stem)) return true;
  return false;
}

bool is_of_cuda(std::string_view library) {
  return base::is_cuda_library(library) && !base::is_driver_library(library);
}

std::string short_path(const Context& context, const std::string& path) {
  const auto& torch = context.image.torch;
  const std::string entry = torch ? torch->sys_path_entry + "/" : "";
  if (entry.size() > 1 && path.starts_with(entry)) return path.substr(entry.size());
  return path;
}

std::optional<rules::PythonRequirement> torch_requires(const Installed& installed,
                                                       std::string_view library) {
  const LibraryOrigin* origin = origin_of(library);
  const Package* torch = installed.find("torch");
  if (origin == nullptr || !origin->pip || torch == nullptr) return std::nullopt;
  for (const auto& [by, requirement] : installed.requirements(*torch))
    if (is_from(requirement.name, *origin)) return requirement;
  return std::nullopt;
}

std::string as_torch_asks(const Context& context, std::string_view library) {
  if (!context.image.packages || !context.image.interpreter) return "";
  const Installed installed(context.image);
  const auto requirement = torch_requires(installed, library);
  if (!requirement) return "";
  const std::string wanted = requirement->name + requirement->specifiers;
  // With it the others of torch's that are not there: what lacks one often lacks all.
  std::string more;
  std::size_t count = 1;
  for (const auto& [by, other] : installed.requirements(*installed.find("torch")))
    if (other.name != requirement->name && other.name.starts_with("nvidia-") &&
        installed.find(other.name) == nullptr && more.find(other.name) == std::string::npos) {
      more += joined({" '", other.name, other.specifiers, "'"});
      ++count;
    }
  std::string others;
  for (const Package& package : *context.image.packages)
    if (package.name != requirement->name && is_from(package.name, *origin_of(library)))
      others += " " + package.name;
  // pip does nothing where the right release is written down, whatever lies over its files.
  const bool there =
      fits(installed.version_of(requirement->name), requirement->specifiers) == Tristate::kYes;
  if (!others.empty()) others = joined({installed.pip("uninstall"), others, " && "});
  return joined({"torch's metadata asks for ", wanted,
                 count > 1 ? joined({" and ", std::to_string(count - 1), " more"}) : "", ": `",
                 others, installed.pip("install"), there ? " --force-reinstall --no-deps '" : " '",
                 wanted, "'", more, "`."});
}

std::string installed_for(const Context& context, std::string_view library) {
  std::string all;
  const LibraryOrigin* origin = origin_of(library);
  if (origin == nullptr || !context.image.packages) return all;
  for (const Package& package : *context.image.packages)
    if (is_from(package.name, *origin))
      all += joined({all.empty() ? "" : ", ", package.name, " ", package.version});
  return all;
}

std::string how_to_install(const Context& context, std::string_view library) {
  const LibraryOrigin* origin = origin_of(library);
  if (origin == nullptr) return "";
  const std::string package(origin->package);
  if (!origin->pip) return "Debian and Ubuntu: `apt-get install -y " + package + "`.";
  std::string wanted = as_torch_asks(context, library);
  if (!wanted.empty()) return wanted;
  return "In torch's wheels it comes from the package " + package +
         " (with -cu12 or -cu13 behind it); an image without wheels needs the CUDA runtime "
         "libraries (the -runtime or -cudnn variant of its base image).";
}

std::string executable_stack_fix(std::string_view reason) {
  if (!reason.ends_with("executable stack as shared object requires")) return "";
  return joined(
      {"glibc 2.41 and newer refuse that. Install a newer release of the package, or run "
       "`patchelf --clear-execstack ",
       reason.substr(0, reason.find(": ")), "`, or set GLIBC_TUNABLES=glibc.rtld.execstack=2."});
}

const LoadedLibrary* loaded(const LoaderFacts& loader, std::string_view name) {
  const auto found = std::find_if(loader.libraries.begin(), loader.libraries.end(),
                                  [&](const LoadedLibrary& one) { return one.name == name; });
  return found == loader.libraries.end() ? nullptr : &*found;
}

const LoadedLibrary* provider_of(const LoaderFacts& loader, const UndefinedSymbol& symbol) {
  if (!symbol.version.empty()) return loaded(loader, symbol.version);
  const LoadedLibrary* provider = nullptr;
  for (const LoadedLibrary& one : loader.libraries)
    if (is_of_cuda(one.name) && base::is_named_after(symbol.name, one.name) &&
        (provider == nullptr || one.name.find('.') > provider->name.find('.')))
      provider = &one;
  return provider;
}

std::vector<MissingVersion> missing_versions(const Context& context, bool of_glibc) {
  std::vector<MissingVersion> missing;
  for (const MissingVersion& one : context.image.loader->problems.missing_versions)
    if (is_of_glibc(one.file) == of_glibc) missing.push_back(one);
  return missing;
}

Finding version_missing(const Context& context, const std::vector<MissingVersion>& missing,
                        std::string summary) {
  Finding finding = failure(kExitImage, std::move(summary));
  for (const MissingVersion& one : missing) finding.about.push_back(one.file);
  for (std::size_t i = 0; i < std::min(missing.size(), std::size_t{4}); ++i)
    add_evidence(finding, "missing version", missing[i].version,
                 "needed by " + missing[i].needed_by);
  const MissingVersion& first = missing.front();
  add_evidence(finding, "loaded", first.provider + " (" + first.found_by + ")");
  if (!first.highest.empty()) add_evidence(finding, "which has up to", first.highest);
  if (const auto* library = loaded(*context.image.loader, first.file);
      library != nullptr && !library->hides.empty())
    add_evidence(finding, "hidden by it", listed(library->hides, 3));
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why = "The loader refuses it: \"" + first.provider + ": version `" + first.version +
                "' not found (required by " + first.needed_by + ")\".";
  return finding;
}

}  // namespace gpuinit::checks
