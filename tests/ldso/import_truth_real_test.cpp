// Real torches and extensions, imported by real interpreters: what the simulated loader says
// against what the real one did (import_truth.h), in the images of tests/inputs/fetch.py. And
// against what the loader of each image lists, here and now.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "ldso/import_truth.h"
#include "ldso/simulated_loader.h"
#include "support/torch_images.h"

namespace gpuinit::ldso {
namespace {

namespace files = std::filesystem;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> paths_from(const LoaderClosure& closure, std::size_t first) {
  std::vector<std::string> paths;
  for (std::size_t at = first; at < closure.objects().size(); ++at)
    paths.push_back(closure.objects()[at].path);
  return paths;
}

// The interpreter of an image in which the Python side of an import has been replayed.
struct Imported {
  test::TorchImage image;
  Simulated python;
  LoaderClosure process;

  explicit Imported(const std::string& name)
      : image(test::torch_image(name)),
        python(image.python, Environment{}, image.root),
        process(*python.closure) {}

  void open_all(const std::vector<std::string>& paths) {
    // What is not there belongs to the interpreter that took the place of the image's own.
    for (const std::string& path : paths)
      if (path[0] != '/' || files::exists(image.root + path)) try_to_open(process, path);
  }
};

TEST(ImportTruth, TorchAndItsExtensionsBringInTheSameLibrariesInTheSameOrder) {
  std::size_t libraries = 0;
  std::vector<std::string> compared;
  for (const Truth& line : import_truth()) {
    if (line.imports.empty()) continue;
    SCOPED_TRACE(line.image + " " + line.imports);
    Imported imported(line.image);
    imported.open_all(line.before);
    const std::size_t first = imported.process.objects().size();
    imported.open_all(line.opens);
    const auto ours = paths_from(imported.process, first);
    EXPECT_THAT(ours, ElementsAreArray(line.loads));
    EXPECT_THAT(imported.process.missing(), IsEmpty());
    libraries += line.loads.size();
    compared.push_back(line.image + " " + line.imports);
  }
  std::printf("%zu libraries of %zu imports\n", libraries, compared.size());
  EXPECT_THAT(compared,
              UnorderedElementsAre("torch2.5.1-cp310 torch", "torch2.5.1-cp310 extensions",
                                   "torch2.8.0-cp312 torch", "torch2.8.0-cp312 extensions",
                                   "torch2.15.0-cp314 torch", "torch2.15.0-cp314 extensions"));
  EXPECT_GT(libraries, 150U);
}

// Empty if ours is what the loader said: the same verdict, of the same kind, and with the
// very library, version or symbol that the loader names.
std::string disagreement(const Truth& truth, const Verdict& ours) {
  const auto has = [&](const char* text) { return truth.error.find(text) != std::string::npos; };
  if (!ours.unknown.empty()) return "not known: " + ours.unknown.front();
  if (has(": cannot open shared object file")) {
    const std::string first = ours.missing.empty() ? "nothing" : ours.missing.front();
    return truth.error.starts_with(first + ": ") ? "" : "missing first: " + first;
  }
  if (!ours.missing.empty()) return "missing: " + ours.missing.front();
  if (has(": version `")) return ours.versions.contains(truth.error) ? "" : "not that version";
  if (!ours.versions.empty()) return *ours.versions.begin();
  if (has(": undefined symbol: "))
    return ours.symbols.contains(truth.error) ? "" : "not that symbol";
  if (!ours.symbols.empty()) return *ours.symbols.begin();
  // "loads" or "crashes": what a library does to itself then is not the loader's.
  return truth.outcome == "refused" ? "nothing is wrong" : "";
}

TEST(ImportTruth, EveryExtensionInEveryTorchIsJudgedAsTheRealLoaderJudgedIt) {
  std::map<std::string, std::size_t> agreed;
  std::size_t compared = 0;
  std::size_t gone = 0;
  std::unique_ptr<Imported> torch;
  for (const Truth& line : import_truth()) {
    if (line.imports == "torch") {
      torch = std::make_unique<Imported>(line.image);
      torch->open_all(line.before);
      torch->open_all(line.opens);
    }
    if (line.library.empty()) continue;
    ASSERT_TRUE(torch != nullptr && torch->image.name == line.image);
    // The names of Debian's libraries change with its point releases.
    if (!files::exists(torch->image.root + line.library)) {
      ++gone;
      continue;
    }
    LoaderClosure process = torch->process;
    for (const std::string& first : line.after) try_to_open(process, first);
    const std::string why = disagreement(line, open_now(process, line.library));
    ++compared;
    if (!why.empty()) {
      ADD_FAILURE() << line.image << " " << line.library << "\n  the loader: " << line.outcome
                    << " " << line.error << "\n  ours: " << why;
      continue;
    }
    for (const char* kind : {"undefined symbol", "version `", "cannot open shared object file"})
      if (line.error.find(kind) != std::string::npos) ++agreed[kind];
    if (line.error.empty()) ++agreed["loads"];
  }
  std::size_t all = 0;
  for (const auto& [kind, count] : agreed) {
    std::printf("%4zu %s\n", count, kind.c_str());
    all += count;
  }
  std::printf("%4zu of %zu pairs agree, %zu are gone\n", all, compared, gone);
  EXPECT_GT(compared, 300U) << "run tests/inputs/fetch.py";
  EXPECT_GT(agreed["loads"], 80U);
  EXPECT_GT(agreed["undefined symbol"], 40U);
}

// `python` with these preloaded, inside the image: names, paths, order and what is missing.
// How many objects were compared; none if this process may not change its root.
std::size_t expect_same_in(const test::TorchImage& image, const std::vector<std::string>& preload) {
  Environment environment;
  for (const std::string& path : preload) {
    std::string& list = environment["LD_PRELOAD"];
    list += (list.empty() ? "" : ":") + path;
  }
  Environment with_origin = environment;  // there is no /proc that would tell it
  with_origin["LD_ORIGIN_PATH"] = base::parent(image.python);
  auto real = test::trace({image.python}, with_origin, image.root);
  if (!real.could_run) return 0;
  // libnvtx3interop.so.1 of NVIDIA has that as its DT_AUXILIARY (somebody gave -fvisibility=hidden
  // to the linker). The loader lists it and does without it.
  std::erase(real.missing, "visibility=hidden");
  Simulated ours(image.python, environment, image.root);
  SCOPED_TRACE(image.name + " " + environment["LD_PRELOAD"]);
  EXPECT_EQ(ours.loaded(), real.loaded) << real.all;
  EXPECT_EQ(ours.missing(), real.missing);
  return real.loaded.size();
}

TEST(WholeImages, AreCompleteAndTheLoaderOfEachListsTheSame) {
  for (const test::TorchImage& image : test::torch_images()) {
    // Breadth first: an extension wants libc10.so by name before _C's own needs are looked for.
    std::vector<std::string> preload;
    for (const char* library : {"global_deps", "cpu", "cuda", "python"})
      preload.push_back(image.torch + "/lib/libtorch_" + library + ".so");
    for (const char* library : {"libc10.so", "libc10_cuda.so", "libtorch.so"})
      preload.push_back(image.torch + "/lib/" + library);
    preload.push_back(image.extension);
    for (const char* library : {"torchvision/_C.so", "torchvision/_C_stable.so",
                                "torchvision/image.so", "torchvision/image_stable.so",
                                "torchaudio/lib/libtorchaudio.so", "torchaudio/lib/_torchaudio.so"})
      if (files::exists(image.root + image.site + "/" + library))
        preload.push_back(image.site + "/" + library);
    EXPECT_GE(preload.size(), 10U) << image.name;
    const std::size_t objects = expect_same_in(image, preload);
    if (objects == 0) GTEST_SKIP() << "this process may not change its root";
    EXPECT_GT(objects, 35U) << image.name;
    std::string all;
    for (const std::string& one : preload) all += one + ":";
    EXPECT_THAT(Simulated(image.python, {{"LD_PRELOAD", all}}, image.root).missing(), IsEmpty());
  }
}

// Each library by itself behind torch: NVIDIA's, and the extensions of other torches.
TEST(WholeImages, EveryLibraryInThemIsListedTheSame) {
  std::size_t libraries = 0;
  std::size_t objects = 0;
  for (const test::TorchImage& image : test::torch_images())
    for (const std::string& directory : {image.site, std::string("/extensions")})
      for (const auto& entry : files::recursive_directory_iterator(image.root + directory)) {
        const std::string name = entry.path().filename();
        if (!entry.is_regular_file() || name.find(".so") == std::string::npos) continue;
        const std::string path = entry.path().string().substr(image.root.size());
        if (path.find("/gconv/") != std::string::npos) continue;  // 250, all alike
        const std::size_t compared = expect_same_in(image, {image.extension, path});
        if (compared == 0) GTEST_SKIP() << "this process may not change its root";
        ++libraries;
        objects += compared;
      }
  std::printf("%zu libraries, %zu objects\n", libraries, objects);
  EXPECT_GT(libraries, 700U);
}

}  // namespace
}  // namespace gpuinit::ldso
