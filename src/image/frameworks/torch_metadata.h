// What the installer left beside torch: dist-info or egg-info, wheel tags, RECORD.
// Source: PyPA, "Recording installed projects" and "Binary distribution format".
#pragma once

#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/root_fs.h"
#include "gpuinit/fact.h"
#include "image/image_environment.h"

namespace gpuinit::image {

struct TorchMetadata {
  Fact<std::string> version;                  // absent: no metadata
  Fact<std::vector<std::string>> wheel_tags;  // absent: no WHEEL file
  std::string installer;                      // "pip", "conda", …; empty: not said
  std::string directory;                      // …/torch-2.8.0.dist-info; empty: none
  bool egg = false;
};

// `entry`: the sys.path entry that torch was found on. With several, the one whose
// version is that of version.py (local part aside), else the first by name.
TorchMetadata read_torch_metadata(const base::RootFs& fs, const std::string& entry,
                                  const Fact<std::string>& torch_version);

// "wheel", "conda", "debian", "ngc", "source"; unknown if nothing tells.
Fact<std::string> torch_layout(const base::RootFs& fs, const std::string& entry,
                               const TorchMetadata& metadata,
                               const Fact<std::string>& torch_version, const std::string& prefix,
                               const Environment& environment);

// The shared libraries that RECORD lists in torch/lib, as paths from `entry`. An
// error if RECORD cannot be read.
Result<std::vector<std::string>> recorded_libraries(const base::RootFs& fs,
                                                    const TorchMetadata& metadata);
// The same of the text of a RECORD.
Result<std::vector<std::string>> libraries_in_record(const base::ByteSource& record);

}  // namespace gpuinit::image
