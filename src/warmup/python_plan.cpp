// A page plan without a recording, from sys.path: compiled modules.
#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

#include "warmup/page_warmup.h"

namespace gpuinit::warmup {

namespace {

constexpr std::size_t kMaxFiles = 20'000;
constexpr int kMaxDepth = 8;

using Names = std::span<const std::string_view>;

// What `import torch` (1.13 to 2.15) reads little or nothing of, below torch.
constexpr std::string_view kTorchLater[] = {"_inductor", "_dynamo", "distributed", "testing",
                                            "onnx",      "contrib", "include",     "lib",
                                            "share",     "bin",     "test"};
constexpr std::string_view kNumpyLater[] = {"tests",   "f2py",   "distutils",
                                            "testing", "typing", "include"};
constexpr std::string_view kLibraryLater[] = {
    "test",        "tests",         "idlelib",    "lib2to3",
    "ensurepip",   "tkinter",       "turtledemo", "pydoc_data",
    "distutils",   "site-packages", "sqlite3",    "dist-packages",
    "lib-dynload", "xmlrpc",        "wsgiref",    "dbm"};

constexpr std::string_view kSites[] = {"site-packages", "dist-packages"};

struct Listing {
  std::vector<std::string> modules;  // x.py
  std::vector<std::string> directories;
  bool has_compiled = false;  // __pycache__
};

bool contains(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Listing list(const std::string& directory) {
  Listing listing;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (!entries) return listing;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name == "__pycache__") listing.has_compiled = true;
    else if (name.ends_with(".py")) listing.modules.emplace_back(name);
    else if (entry->d_type == DT_DIR && !name.starts_with('.'))
      listing.directories.emplace_back(name);
  }
  return listing;
}

class Gatherer {
 public:
  void package(const std::string& directory, Names later, int depth = 0) {
    const Listing listing = list(directory);
    modules(directory, listing);
    if (depth == kMaxDepth) return;
    for (const std::string& name : listing.directories)
      if (!contains(later, name)) package(directory + "/" + name, later, depth + 1);
  }

  void modules(const std::string& directory, const Listing& listing) {
    if (!listing.has_compiled) {
      for (const std::string& module : listing.modules) add(directory + "/" + module);
      return;
    }
    const std::string compiled = directory + "/__pycache__";
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(compiled.c_str()), ::closedir);
    if (!entries) return;
    while (const dirent* entry = ::readdir(entries.get())) {
      const std::string_view name = entry->d_name;
      // "x.cpython-312.opt-1.pyc" is for python -O.
      if (name.ends_with(".pyc") && name.find(".opt-") == name.npos)
        add(compiled + "/" + std::string(name));
    }
  }

  PagePlan take() { return std::move(plan_); }

 private:
  void add(std::string path) {
    if (plan_.size() < kMaxFiles) plan_.push_back(whole_file(std::move(path)));
  }

  PagePlan plan_;
};

bool is_standard_library(const std::string& entry) {
  const std::string_view name = std::string_view(entry).substr(entry.rfind('/') + 1);
  return name.starts_with("python3");
}

}  // namespace

PagePlan python_plan(const std::vector<std::string>& sys_path) {
  const auto has_torch = [](const std::string& entry) {
    return ::access((entry + "/torch").c_str(), F_OK) == 0;
  };
  if (std::none_of(sys_path.begin(), sys_path.end(), has_torch)) return {};
  Gatherer gatherer;
  for (const std::string& entry : sys_path) {
    if (is_standard_library(entry)) {
      gatherer.package(entry, kLibraryLater);
      continue;
    }
    const Listing listing = list(entry);
    if (!contains(kSites, std::string_view(entry).substr(entry.rfind('/') + 1)) &&
        std::find(listing.directories.begin(), listing.directories.end(), "torch") ==
            listing.directories.end())
      continue;
    gatherer.modules(entry, listing);
    for (const std::string& name : listing.directories) {
      if (name == "torch") gatherer.package(entry + "/torch", kTorchLater);
      if (name == "numpy") gatherer.package(entry + "/numpy", kNumpyLater);
      if (name == "torchgen") gatherer.modules(entry + "/torchgen", list(entry + "/torchgen"));
    }
  }
  return gatherer.take();
}

}  // namespace gpuinit::warmup
