#include "image/frameworks/torch_search.h"

#include <set>

namespace gpuinit::image {

namespace {

// A directory that holds a real installation which lost its __init__.py, or all but __pycache__:
// then pip's record of it is beside it.
bool was_pytorch(const base::RootFs& fs, const std::string& directory) {
  if (fs.is_file(base::join(directory, "version.py")) ||
      fs.is_file(base::join(directory, "lib/libtorch_python.so")))
    return true;
  for (const std::string& name : fs.list(base::parent(directory)).value_or({}))
    if (name.starts_with("torch-") && name.ends_with(".dist-info")) return true;
  return false;
}

// The torch in one entry; "" if it has none.
std::string torch_in(const base::RootFs& fs, const std::string& entry, const std::string& soabi,
                     bool& package, std::string& bare_directory) {
  std::string stem = base::join(entry, "torch");
  package = false;
  if (fs.is_directory(stem)) {
    for (const char* suffix : {"/__init__.py", "/__init__.pyc", "/__init__.so"}) {
      if (!fs.is_file(stem + suffix)) continue;
      package = true;
      return stem;
    }
    if (bare_directory.empty()) bare_directory = stem;
  }
  for (const std::string& suffix :
       {soabi.empty() ? std::string() : "." + soabi + ".so", std::string(".abi3.so"),
        std::string(".so"), std::string(".py"), std::string(".pyc")})
    if (!suffix.empty() && fs.is_file(stem + suffix)) return stem + suffix;
  return "";
}

}  // namespace

FoundTorch find_torch(const base::RootFs& fs, const std::vector<std::string>& sys_path,
                      const std::string& soabi) {
  FoundTorch found;
  std::set<std::string> seen;  // the same directory twice shadows nothing
  std::string bare;
  for (const std::string& entry : sys_path) {
    bool package = false;
    std::string bare_here;
    const std::string path = torch_in(fs, entry, soabi, package, bare_here);
    if (bare.empty()) bare = bare_here;
    if (path.empty() || !seen.insert(fs.resolve(path).value_or(path)).second) continue;
    if (found.found()) {
      found.shadowed.push_back(path);
    } else {
      found.path = path;
      found.entry = entry;
      found.package = package;
    }
  }
  if (found.found() || bare.empty()) return found;
  if (was_pytorch(fs, bare)) {
    found.path = bare;
    found.entry = base::parent(bare);
    found.package = true;
  } else {
    found.bare_directory = bare;
  }
  return found;
}

}  // namespace gpuinit::image
