#include "checks/loaded_at_import.h"

#include <algorithm>
#include <string_view>

#include "checks/extension_problems.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "rules/python_version.h"
#include "rules/tables/package_releases.h"

namespace gpuinit::checks {

namespace {

using rules::tables::kLoadedAtImport;
using rules::tables::LoadedRow;

const LoadedRow* row_of(const Extension& extension) {
  const std::string_view path = relative_path(extension);
  const auto found = std::ranges::find_if(kLoadedAtImport, [&](const LoadedRow& row) {
    return path.starts_with(row.library) && path.substr(row.library.size()).starts_with('.');
  });
  return found == std::end(kLoadedAtImport) ? nullptr : found;
}

}  // namespace

bool is_loaded_at_import(const Extension& extension, const ImageFacts& image) {
  const LoadedRow* const row = row_of(extension);
  if (row == nullptr || !image.packages) return false;
  const Package* const package = Installed(image).find(row->package);
  return package != nullptr &&
         rules::satisfies_all(package->version, std::string(row->releases)) == Tristate::kYes;
}

void add_torchaudio(const Context& context, Findings& findings) {
  const ImageFacts& image = context.image;
  if (!image.torch || !image.packages) return;
  const Installed installed(image);
  const Package* package = installed.find("torchaudio");
  if (package == nullptr || !image.torch->cuda) return;
  const auto at = package->version.find("+cu");
  const std::string& torchs = *image.torch->cuda;
  if (at == std::string::npos || package->version.size() < at + 6) return;
  std::string cuda = package->version.substr(at + 3);
  cuda.insert(2, 1, '.');
  const std::string release = package->version.substr(0, at);
  const bool minor =
      rules::satisfies_all(release, rules::tables::kTorchaudioWantsMinor) == Tristate::kYes;
  if (minor ? torchs == cuda : torchs.starts_with(cuda.substr(0, 3))) return;
  const std::string summary = joined(
      {"torchaudio ", release, " was compiled for CUDA ", cuda, ", and torch for CUDA ", torchs});
  const bool needed = context.policy.extensions.all || is_imported("torchaudio", image);
  Finding finding = needed ? failure(kExitImage, summary) : warning(summary);
  finding.about = {"torchaudio/torch"};
  add_evidence(finding, "torchaudio", package->version, package->path);
  add_evidence(finding, "torch", image.torch->path);
  finding.why =
      "`import torchaudio` compares the two: \"Detected that PyTorch and TorchAudio were compiled "
      "with different CUDA versions\".";
  finding.fix = joined({"`", installed.pip("install"),
                        " --upgrade torchaudio` (from 2.11.1 on the major version decides), or "
                        "install one for CUDA ",
                        torchs, "."});
  findings.push_back(std::move(finding));
}

}  // namespace gpuinit::checks
