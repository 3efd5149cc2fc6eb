#include "image/packages/wheel_libraries.h"

namespace gpuinit::image {

const std::vector<std::string>& WheelLibraries::files(const std::string& name) {
  static const std::vector<std::string> kNone;
  if (!by_name_) {
    by_name_.emplace();
    for (const std::string& entry : sys_path_) {
      const std::string nvidia = base::join(entry, "nvidia");
      for (const std::string& package : fs_.list(nvidia).value_or({})) {
        if (package.find('.') != std::string::npos) continue;  // __init__.py
        const std::string directory = base::join(nvidia, package + "/lib");
        for (const std::string& file : fs_.list(directory).value_or({}))
          if (file.find(".so") != std::string::npos)
            (*by_name_)[file].push_back(base::join(directory, file));
      }
    }
  }
  const auto found = by_name_->find(name);
  return found == by_name_->end() ? kNone : found->second;
}

}  // namespace gpuinit::image
