// What a torch says of itself: version.py, which its build generates, and what the installer left
// beside it: dist-info or egg-info, wheel tags, RECORD.
// Sources: PyTorch, tools/generate_torch_version.py; PyPA, "Recording installed projects" and
// "Binary distribution format".
#pragma once

#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/fact.h"

namespace gpuinit::image {

struct TorchVersion {
  Fact<std::string> version;  // __version__
  Fact<std::string> cuda;     // absent: None, not a CUDA build
  Fact<std::string> hip;      // absent: None or not mentioned, not a ROCm build
};

// Knows `cuda = '12.4'` and `cuda: Optional[str] = '12.4'`; of two assignments the
// later one counts. A value that is not a literal is unknown.
TorchVersion parse_torch_version(std::string_view text);

struct TorchMetadata {
  Fact<std::string> version;                  // absent: no metadata
  Fact<std::vector<std::string>> wheel_tags;  // absent: no WHEEL file
  std::string installer;                      // "pip", "conda", …; empty if not known
  std::string directory;  // …/torch-2.8.0.dist-info. Empty if there is no metadata
  bool egg = false;
};

// `entry`: the sys.path entry that torch was found on. With several, the one whose
// version is that of version.py (local part aside), else the first by name.
TorchMetadata read_torch_metadata(const base::RootFs& fs, const std::string& entry,
                                  const Fact<std::string>& torch_version);

// "wheel", "conda", "debian", "ngc", "source"; unknown if nothing shows it.
Fact<std::string> torch_layout(const base::RootFs& fs, const std::string& entry,
                               const TorchMetadata& metadata,
                               const Fact<std::string>& torch_version, const std::string& prefix,
                               const base::Environment& environment);

// The shared libraries that RECORD lists in torch/lib, as paths from `entry`. An
// error if RECORD cannot be read.
Result<std::vector<std::string>> recorded_libraries(const base::RootFs& fs,
                                                    const TorchMetadata& metadata);
// The same of the text of a RECORD.
Result<std::vector<std::string>> libraries_in_record(const base::ByteSource& record);

}  // namespace gpuinit::image
