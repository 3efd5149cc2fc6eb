// What an image says of its own start: environment, entry point, command, directory and user, so
// that an unpacked image can be judged as it would be started.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

struct ImageConfig {
  base::Environment environment;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;  // what follows the entry point if no other words are given
  std::string working_directory = "/";
  std::string user;  // "name", "uid", "uid:gid"; empty: root
};

// JSON as `docker inspect`, `podman inspect`, `buildah inspect`, `skopeo inspect --config` and
// `crane config` print it, or config.json of an OCI runtime bundle. The error names the place.
// Sources: OCI image-spec config.md, OCI runtime-spec config.md, Docker Engine API (ImageInspect).
Result<ImageConfig> parse_image_config(std::string_view text);

// The same from a file of this machine; "-" is standard input. Two forms are no JSON and lie in
// the image itself, whose own scripts then are the entry point: /etc/environment or /etc/rc of
// enroot, and Apptainer's /.singularity.d.
// Sources: enroot, src/docker.sh and doc/image-format.md; apptainer, the files below
// .singularity.d.
Result<ImageConfig> read_image_config(const std::string& file);

// Who runs the command under `root`; nullopt if the image does not know that user.
std::optional<unsigned> user_of(const base::RootFs& root, const ImageConfig& config);

}  // namespace gpuinit::image
