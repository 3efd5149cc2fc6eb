// What the program of a start needs besides libraries, looked at in each start: no seal holds it.
#pragma once

#include "image/read_image.h"
#include "image/start/start.h"

namespace gpuinit::image {

// Fills uid, user_name and variables.
//
// Who names a uid: /etc/passwd, and what nsswitch.conf names besides; "systemd" and "sss" name
// nobody where their services do not run. Source: nsswitch.conf(5), nss-systemd(8), sssd(8).
void read_user(const ImageQuery& query, const Start& start, ImageFacts& facts);

// Fills compiler, python_header and ldconfig, if there is a torch.
void read_toolchain(const base::RootFs& fs, const PythonStart& start, ImageFacts& facts);

}  // namespace gpuinit::image
