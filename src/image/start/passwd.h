// Users as /etc/passwd of the image names them. Source: passwd(5).
#pragma once

#include <string>
#include <string_view>

#include "base/root_fs.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

struct User {
  unsigned uid = 0;
  std::string name;   // empty: a number that no line names
  std::string home;   // as its line says; empty as well
  std::string shell;  // the same
};

// `spec`: "name", "uid", or one of them with ":group", which is not looked at. An error if it is a
// name that no line has.
Result<User> find_user(const base::RootFs& fs, std::string_view spec);

}  // namespace gpuinit::image
