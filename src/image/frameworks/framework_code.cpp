#include "image/frameworks/framework_code.h"

#include <algorithm>

#include "base/library_names.h"
#include "elf/fatbin.h"
#include "image/frameworks/torch_load.h"

namespace gpuinit::image {

std::string cuda_of(const std::vector<std::string>& needed) {
  for (const std::string& name : needed)
    for (const std::string_view stem :
         {"libcudart.so.", "libcublas.so.", "libcublasLt.so.", "libnvrtc.so."})
      if (name.starts_with(stem))
        return name.substr(stem.size(), name.find('.', stem.size()) - stem.size());
  return "";
}

void add_code(const elf::ElfFile& elf, const std::string& path, Fact<DeviceCode>& code) {
  if (code.is_unknown()) return;
  DeviceCode more = code.value_or({});
  const auto containers = elf::read_fatbins(elf, more);
  if (!containers) {
    code = Fact<DeviceCode>::unknown(containers.error().message);
  } else if (*containers > 0) {
    more.files.push_back(path);
    code = std::move(more);
  }
}

std::vector<LoadedLibrary> cuda_libraries(const base::RootFs& fs,
                                          const ldso::LoaderClosure& closure,
                                          const std::vector<std::size_t>& objects) {
  std::vector<LoadedLibrary> libraries;
  for (const std::size_t one : objects) {
    const ldso::LoadedObject& object = closure.objects()[one];
    std::string name(base::basename(object.name));
    if (!base::is_cuda_library(name) || base::is_driver_library(name)) continue;
    libraries.push_back({std::move(name),
                         tidy_path(fs, object.path),
                         tidy_path(fs, closure.objects()[object.asked_by].path),
                         object.found_by,
                         {}});
  }
  return libraries;
}

std::vector<std::size_t> with_needs(const ldso::LoaderClosure& closure,
                                    std::vector<std::size_t> objects) {
  for (std::size_t at = 0; at < objects.size(); ++at)
    for (const std::size_t need : closure.objects()[objects[at]].needs)
      if (need != ldso::LoaderClosure::kMissing &&
          std::find(objects.begin(), objects.end(), need) == objects.end())
        objects.push_back(need);
  return objects;
}

}  // namespace gpuinit::image
