// Facts that were saved: a node, an image, the seal in an image.
#pragma once

#include <optional>
#include <string>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "gpuinit/result.h"
#include "image/read_image.h"

namespace gpuinit::assess {

// `directory`: absolute; what `file` counts from. Errors name the file.
Result<NodeFacts> node_from_file(const std::string& directory, const std::string& file);

// From a seal, or from what --facts or --check printed as JSON.
Result<ImageFacts> image_from_file(const std::string& directory, const std::string& file);

// The seal at `path` in the image; nullopt if there is no such file, or `path` is empty.
std::optional<image::FoundSeal> find_seal(const base::RootFs& fs, const std::string& path);

}  // namespace gpuinit::assess
