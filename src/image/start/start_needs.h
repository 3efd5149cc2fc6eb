// What the program of a start needs besides libraries, looked at in each start: no seal holds it.
#pragma once

#include "image/read_image.h"
#include "image/start/start.h"

namespace gpuinit::image {

// Fills `user` and `variables`.
//
// Who names a uid: /etc/passwd, and what nsswitch.conf names besides. "systemd" and "sss" name
// nobody where their service is not running. Source: nsswitch.conf(5), nss-systemd(8), sssd(8).
void read_user(const ImageQuery& query, const Start& start, ImageFacts& facts);

// Fills `toolchain`, if there is a torch. `environment`: of the interpreter.
void read_toolchain(const base::RootFs& fs, const base::Environment& environment,
                    const std::string& working_directory, ImageFacts& facts);

}  // namespace gpuinit::image
