#include "image/frameworks/torch_load.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/frameworks/torch_preload.h"

namespace gpuinit::image {

namespace {

using ldso::LoaderClosure;
constexpr std::uint64_t kMaxInit = 1024ULL * 1024;  // bytes of torch/__init__.py; it has 110,000

// What the closure holds now.
void take_stock(TorchLoad& load) {
  load.objects = load.closure->objects().size();
  for (const auto& missing : load.closure->missing())
    if (is_unread(missing.code) && !missing.is_preload) load.problem = missing.reason;
}

class Import {
 public:
  explicit Import(const TorchLoadQuery& query) : query_(query) {
    const auto text = query.fs.read_file(base::join(query.package, "__init__.py"), kMaxInit);
    if (text) preload_ = parse_torch_preload(*text);
    asks_for_deps_ = text && text->find("\n        _load_global_deps()") != std::string::npos;
  }

  TorchLoad run() {
    if (!start()) return std::move(load_);
    const std::string deps = base::join(query_.package, "lib/libtorch_global_deps.so");
    if (query_.fs.is_file(deps)) {
      if (open(deps, LoaderClosure::Symbols::kGlobal)) {
        preload_after_success();
      } else if (is_for_preload(first_failure())) {
        // The loader has unmapped what it had mapped; torch preloads and tries again.
        if (!start()) return std::move(load_);
        preload(preload_.after_failure);
        open(deps, LoaderClosure::Symbols::kGlobal);
      }
    } else if (asks_for_deps_) {
      load_.lacks_global_deps = load_.closure.has_value();
    }
    if (!query_.extension.empty())
      open(base::join(query_.package, query_.extension), LoaderClosure::Symbols::kLocal);
    return std::move(load_);
  }

 private:
  bool start() {
    load_ = load_program(query_.fs, query_.search, query_.environment, query_.python);
    return load_.closure.has_value();
  }

  // Whether it and all that it needs is there.
  bool open(const std::string& path, LoaderClosure::Symbols symbols) {
    missing_before_ = load_.closure->missing().size();
    auto opened = load_.closure->open(path, LoaderClosure::kProgram, symbols);
    if (!opened && is_unread(opened.error().code)) {
      load_.problem = opened.error().message;
    } else if (!opened)
      load_.not_opened.push_back(
          {std::string(base::basename(path)), query_.python, opened.error().message, {}});
    return opened && load_.closure->missing().size() == missing_before_;
  }

  std::string first_failure() const {
    const auto& missing = load_.closure->missing();
    return missing.size() > missing_before_ ? missing[missing_before_].name : "";
  }

  // torch looks for its names in the loader's message.
  bool is_for_preload(const std::string& name) const {
    return std::any_of(preload_.after_failure.begin(), preload_.after_failure.end(),
                       [&](const PreloadItem& item) { return name.starts_with(item.stem); });
  }

  void preload_after_success() {
    if (preload_.after_success.empty()) return;
    const auto& objects = load_.closure->objects();
    if (std::any_of(objects.begin(), objects.end(), [&](const auto& object) {
          return object.real_path.find(preload_.beside) != std::string::npos;
        }))
      preload(preload_.after_success);
    load_.failed_preload.clear();  // torch passes over a failure here
  }

  void preload(const std::vector<PreloadItem>& items) {
    for (const PreloadItem& item : items) {
      const std::string path = find_preload(query_.fs, query_.sys_path, item, query_.cuda);
      if (path.empty() && !item.required) continue;
      if (path.empty()) {
        load_.failed_preload = item.stem + ".so.*[0-9]";
        return;
      }
      const std::size_t before = load_.closure->objects().size();
      if (!open(path, LoaderClosure::Symbols::kLocal)) return;
      if (load_.closure->objects().size() > before) load_.preloaded.push_back(before);
    }
  }

  const TorchLoadQuery& query_;
  TorchPreload preload_;
  TorchLoad load_;
  bool asks_for_deps_ = false;
  std::size_t missing_before_ = 0;
};

}  // namespace

TorchLoad load_program(const base::RootFs& fs, const ldso::LibrarySearch& search,
                       const base::Environment& environment, const std::string& python) {
  TorchLoad load;
  auto closure = LoaderClosure::of_program(fs, search, environment, python);
  if (!closure) {
    load.unknown_because = closure.error().message;
  } else if (!closure->unknown_because().empty()) {
    load.unknown_because = closure->unknown_because();
  } else {
    load.closure = std::move(closure).value();
    take_stock(load);
  }
  return load;
}

TorchLoad load_torch(const TorchLoadQuery& query) {
  TorchLoad load = Import(query).run();
  if (load.closure) take_stock(load);
  return load;
}

std::string tidy_path(const base::RootFs& fs, const std::string& path) {
  if (path.find("/.") == std::string::npos) return path;
  std::string tidy = base::normalize(path);
  const auto before = fs.resolve(path);
  const auto after = fs.resolve(tidy);
  return before && after && *before == *after ? tidy : path;
}

}  // namespace gpuinit::image
