// What NVIDIA's wheels bring: the libraries in nvidia/*/lib of sys.path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::image {

// Read when it is first asked. Both arguments must outlive this object.
class WheelLibraries {
 public:
  WheelLibraries(const base::RootFs& fs, const std::vector<std::string>& sys_path)
      : fs_(fs), sys_path_(sys_path) {}

  // The files of that name ("libcudart.so.12"), in the order of sys.path; empty if there is none.
  const std::vector<std::string>& files(const std::string& name);

 private:
  const base::RootFs& fs_;
  const std::vector<std::string>& sys_path_;
  std::optional<std::map<std::string, std::vector<std::string>>> by_name_;
};

}  // namespace gpuinit::image
