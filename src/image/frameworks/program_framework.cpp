#include "image/frameworks/program_framework.h"

#include <algorithm>
#include <cerrno>

#include "base/library_names.h"
#include "image/frameworks/framework_code.h"
#include "image/frameworks/torch_load.h"
#include "ldso/library_search.h"
#include "ldso/version_check.h"

namespace gpuinit::image {

namespace {

using ldso::LoaderClosure;

struct Opened {
  std::string_view name;       // of the framework
  std::string_view directory;  // from that of the program
  std::string_view library;
  bool runs;  // the program opens it wherever there is a GPU
};
constexpr Opened kOpened[] = {
    {"llama.cpp", ".", "libggml-cuda.so", true},
    {"ollama", "../lib/ollama", "libggml-cuda.so", true},
    {"ollama", "../lib/ollama/cuda_v12", "libggml-cuda.so", true},
    {"ollama", "../lib/ollama/cuda_v13", "libggml-cuda.so", true},
    {"onnxruntime", ".", "libonnxruntime_providers_cuda.so", false},
    {"onnxruntime", "../lib", "libonnxruntime_providers_cuda.so", false},
};

// What a container runtime brings: the driver, and on Jetson libnvbufsurface and its like.
bool is_of_node(std::string_view name) {
  return base::is_driver_library(name) || name.starts_with("libtegra") ||
         (name.starts_with("libnv") && !base::is_cuda_library(name));
}

class Reader {
 public:
  Reader(const base::RootFs& fs, LoaderClosure& closure) : fs_(fs), closure_(closure) {}

  std::vector<Framework> read() {
    const std::string program = closure_.objects()[0].real_path;
    Framework own = of_objects(0);
    own.name = base::basename(program);
    const bool carries = own.device_code && own.device_code->files.front() == program;
    // What a library of its carries (OpenCV's, ggml's) may serve a part of it only.
    const bool ggml = closure_.answering_to("libggml-cuda.so") != LoaderClosure::kMissing ||
                      closure_.answering_to("libggml-cuda.so.0") != LoaderClosure::kMissing;
    if (ggml && !carries) own.name = "llama.cpp";
    own.runs = own.for_gpu = carries || ggml;
    own.falls_back = !carries;
    if (own.cuda || own.device_code || !own.problems.missing.empty() ||
        !own.problems.missing_versions.empty())
      frameworks_.push_back(std::move(own));
    const std::string directory(base::parent(program));
    for (const Opened& one : kOpened) open(one, directory);
    return std::move(frameworks_);
  }

 private:
  void open(const Opened& one, const std::string& directory) {
    const std::string path =
        base::normalize(base::join(base::join(directory, one.directory), one.library));
    if (!fs_.is_file(path)) return;
    const std::size_t first = closure_.objects().size();
    const auto object = closure_.open(path);
    if (!object || *object < first) return;  // the program's own
    Framework framework = of_objects(first);
    framework.name = one.name;
    framework.runs = one.runs;
    framework.for_gpu = framework.falls_back = true;
    frameworks_.push_back(std::move(framework));
  }

  // Of the objects from `first` on, which is the program or what was opened.
  Framework of_objects(std::size_t first) {
    Framework framework;
    const auto& objects = closure_.objects();
    framework.path = tidy_path(fs_, objects[first].path);
    framework.version = Fact<std::string>::unknown("nothing beside it says it");
    framework.device_code = Fact<DeviceCode>::absent("it carries no device code");
    std::vector<std::size_t> own;
    std::string cuda;
    for (std::size_t i = first; i < objects.size(); ++i) {
      own.push_back(i);
      if (cuda.empty()) cuda = cuda_of(objects[i].dynamic.needed);
      // CUDA's own libraries have code for all that CUDA supports.
      if (!base::is_cuda_library(base::basename(objects[i].name)))
        add_code(objects[i].elf, tidy_path(fs_, objects[i].path), framework.device_code);
    }
    if (!cuda.empty()) framework.cuda = cuda;
    else if (framework.device_code.is_absent()) framework.cuda = Fact<std::string>::absent();
    else
      framework.cuda =
          Fact<std::string>::unknown(framework.path + " needs none of CUDA's libraries by name");
    framework.libraries = cuda_libraries(fs_, closure_, own);
    add_problems(first, framework.problems);
    return framework;
  }

  void add_problems(std::size_t first, LoadProblems& problems) {
    for (const ldso::LoadFailure& missing : closure_.missing()) {
      const bool said = std::ranges::find(problems.missing, missing.name, &MissingLibrary::name) !=
                        problems.missing.end();
      if (missing.needed_by < first || said || missing.is_preload || missing.code != ENOENT ||
          is_of_node(missing.name))
        continue;
      problems.missing.push_back({missing.name, path_of(missing.needed_by), missing.reason, {}});
    }
    const auto versions = ldso::check_versions(closure_);
    for (const auto& missing : versions.missing) {
      if (missing.needed_by < first) continue;
      MissingVersion& version = problems.missing_versions.emplace_back(missing.version);
      version.provider = path_of(missing.provider);
      version.needed_by = path_of(missing.needed_by);
    }
    // Programs bind their functions when they are called.
    problems.undefined_symbols = Fact<std::vector<UndefinedSymbol>>::unknown("not looked for");
  }

  std::string path_of(std::size_t object) const {
    return tidy_path(fs_, closure_.objects()[object].path);
  }

  const base::RootFs& fs_;
  LoaderClosure& closure_;
  std::vector<Framework> frameworks_;
};

}  // namespace

std::vector<Framework> read_program_frameworks(const base::RootFs& fs,
                                               const base::Environment& environment,
                                               const std::string& program) {
  const ldso::LibrarySearch libraries(fs, environment);
  auto closure = LoaderClosure::of_program(fs, libraries, environment, program);
  if (!closure || !closure->unknown_because().empty()) return {};
  return Reader(fs, *closure).read();
}

}  // namespace gpuinit::image
