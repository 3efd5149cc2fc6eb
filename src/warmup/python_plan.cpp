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

constexpr const char* kCompiled = "__pycache__";
constexpr std::string_view kSites[] = {"site-packages", "dist-packages"};

struct Entry {
  std::string name;
  bool is_directory = false;
};

bool contains(Names names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::vector<Entry> list(const std::string& directory) {
  std::vector<Entry> entries;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  if (!open) return entries;
  while (const dirent* entry = ::readdir(open.get()))
    if (entry->d_name[0] != '.') entries.push_back({entry->d_name, entry->d_type == DT_DIR});
  return entries;
}

class Gatherer {
 public:
  void package(const std::string& directory, Names later, int depth = 0) {
    const std::vector<Entry> entries = list(directory);
    modules(directory, entries);
    if (depth == kMaxDepth) return;
    for (const auto& [name, is_directory] : entries)
      if (is_directory && name != kCompiled && !contains(later, name))
        package(directory + "/" + name, later, depth + 1);
  }

  // The compiled ones; the sources where nothing has been compiled.
  void modules(const std::string& directory, const std::vector<Entry>& entries) {
    if (std::ranges::find(entries, kCompiled, &Entry::name) == entries.end()) {
      for (const Entry& entry : entries)
        if (entry.name.ends_with(".py")) add(directory + "/" + entry.name);
      return;
    }
    const std::string compiled = directory + "/" + kCompiled;
    for (const auto& [name, is_directory] : list(compiled))
      // "x.cpython-312.opt-1.pyc" is for python -O.
      if (name.ends_with(".pyc") && name.find(".opt-") == name.npos) {
        // Python looks up the source first, to see whether it is newer.
        plan_.add({directory + "/" + name.substr(0, name.find('.')) + ".py", 0, 0,
                   PlannedFile::Kind::kName});
        add(compiled + "/" + name);
      }
  }

  PagePlan take() { return std::move(plan_); }

 private:
  void add(std::string path) {
    if (plan_.files.size() < kMaxFiles)
      plan_.add({std::move(path), 0, 0, PlannedFile::Kind::kWhole});
  }

  PagePlan plan_;
};

}  // namespace

PagePlan python_plan(const std::vector<std::string>& sys_path) {
  const auto has_torch = [](const std::string& entry) {
    return ::access((entry + "/torch").c_str(), F_OK) == 0;
  };
  if (std::none_of(sys_path.begin(), sys_path.end(), has_torch)) return {};
  Gatherer gatherer;
  for (const std::string& entry : sys_path) {
    if (base::basename(entry).starts_with("python3")) {  // the standard library
      gatherer.package(entry, kLibraryLater);
      continue;
    }
    const std::vector<Entry> found = list(entry);
    const bool is_site = contains(kSites, base::basename(entry));
    if (!is_site && !std::ranges::any_of(found, [](const Entry& in) {
          return in.is_directory && in.name == "torch";
        }))
      continue;
    gatherer.modules(entry, found);
    for (const auto& [name, is_directory] : found) {
      if (!is_directory) continue;
      if (name == "torch") gatherer.package(entry + "/torch", kTorchLater);
      if (name == "numpy") gatherer.package(entry + "/numpy", kNumpyLater);
      if (name == "torchgen") gatherer.modules(entry + "/torchgen", list(entry + "/torchgen"));
    }
  }
  return gatherer.take();
}

}  // namespace gpuinit::warmup
