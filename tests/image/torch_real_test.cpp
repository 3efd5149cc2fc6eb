// Real torches: Debian's, which can be asked, and the wheels of the cache, whose
// facts were read once with readelf, nm, strings and cuobjdump.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "image/read_image.h"
#include "image/truth.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using test::Environment;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace fs = std::filesystem;

ImageFacts read(const std::string& root, const std::vector<std::string>& command,
                const Environment& environment, const std::string& directory = "/") {
  auto opened = base::RootFs::open(root);
  if (!opened.ok()) throw std::runtime_error(opened.error().message);
  return read_image({*opened, root, command, environment, directory, ""});
}

TEST(DebianTorch, SaysWhatWeRead) {
  const auto ran = test::run(
      {"/usr/bin/python3", "-c",
       "import torch\n"
       "print(torch.__version__, torch.version.cuda, torch.__path__[0], torch._C.__file__,"
       " torch._C._GLIBCXX_USE_CXX11_ABI, sep='\\n')"},
      {{"PATH", "/usr/bin"}, {"HOME", "/nonexistent"}}, "/usr");
  ASSERT_EQ(ran.exit_code, 0) << "python3-torch is not installed";
  std::vector<std::string> said;
  for (auto line : base::split_lines(ran.out)) said.emplace_back(line);
  ASSERT_GE(said.size(), 5U);

  const ImageFacts facts = read("/", {"/usr/bin/python3"}, {{"PATH", "/usr/bin"}}, "/usr");
  ASSERT_TRUE(facts.torch.known()) << facts.torch.reason();
  const Torch& torch = *facts.torch;
  EXPECT_EQ(torch.version.value_or(""), said[0]);
  EXPECT_EQ(torch.cuda.value_or("None"), said[1]);
  EXPECT_EQ(torch.path, said[2]);
  EXPECT_EQ(torch.path + "/_C." + torch.soabi.value_or("") + ".so", said[3]);
  ASSERT_TRUE(torch.cxx11_abi.known());
  EXPECT_EQ(*torch.cxx11_abi ? "True" : "False", said[4]);
  EXPECT_EQ(torch.layout.value_or(""), "debian");
  EXPECT_TRUE(torch.exports_init.value_or(false));
  EXPECT_THAT(torch.missing_files.value_or({"?"}), IsEmpty());
  EXPECT_THAT(torch.missing_python_symbols.value_or({"?"}), IsEmpty());
  EXPECT_TRUE(torch.device_code.is_absent() || torch.cuda.known());
}

struct Wheel {
  std::string name;     // in the cache
  std::string runtime;  // of the cache, that belongs to it
  std::string version;
  std::string cuda;
  std::string soabi;
  std::string tag;
  bool cxx11_abi;
  std::string arch_list;
  std::string cudart;
  std::string runtime_version;
};

const std::vector<Wheel>& wheels() {
  static const std::vector<Wheel> all{
      {"2.5.1-cp310", "cu124", "2.5.1+cu124", "12.4", "cpython-310-x86_64-linux-gnu",
       "cp310-cp310-linux_x86_64", false, "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
       "nvidia/cuda_runtime/lib/libcudart.so.12", "12.4.127"},
      {"2.8.0-cp312", "cu12", "2.8.0+cu128", "12.8", "cpython-312-x86_64-linux-gnu",
       "cp312-cp312-manylinux_2_28_x86_64", true, "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120",
       "nvidia/cuda_runtime/lib/libcudart.so.12", "12.8.90"},
      {"2.15.0-cp314", "cu13", "2.15.0+cu132", "13.2", "cpython-314-x86_64-linux-gnu",
       "cp314-cp314-manylinux_2_28_x86_64", true, "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120",
       "nvidia/cu13/lib/libcudart.so.13", "13.2.86"},
  };
  return all;
}

// A tree of hard links: the wheels' RPATH leads from torch/lib to ../../nvidia.
class LinkedTree {
 public:
  LinkedTree() {
    std::string name = test::inputs().native() + "/.image-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    root_ = name;
  }
  ~LinkedTree() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  LinkedTree(const LinkedTree&) = delete;
  LinkedTree& operator=(const LinkedTree&) = delete;

  // A whole directory, or only the files that lie in it itself.
  void add_all(const std::string& from, const std::string& to) {
    fs::create_directories(root_ / to);
    fs::copy(test::inputs().native() + "/" + from, root_ / to,
             fs::copy_options::create_hard_links | fs::copy_options::recursive |
                 fs::copy_options::copy_symlinks);
  }
  void add_files(const std::string& from, const std::string& to) {
    fs::create_directories(root_ / to);
    for (const auto& entry : fs::directory_iterator(test::inputs().native() + "/" + from))
      if (entry.is_regular_file())
        fs::create_hard_link(entry.path(), root_ / to / entry.path().filename());
  }
  // All of a wheel that a reader looks at.
  void add_wheel(const Wheel& wheel, const std::string& site) {
    const std::string from = "torch/" + wheel.name;
    add_files(from + "/torch", site + "/torch");
    add_files(from + "/torch/lib", site + "/torch/lib");
    for (const auto& entry : fs::directory_iterator(test::inputs().native() + "/" + from)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".dist-info")) add_files(from + "/" + name, site + "/" + name);
    }
    add_all("runtime/" + wheel.runtime, site);
  }
  const std::string& root() const { return root_.native(); }
  fs::path at(const std::string& path) const { return root_ / path; }

 private:
  fs::path root_;
};

struct Tree {
  std::string name;  // of the cache
  std::string python;
  std::string site;
  std::string version;
  std::string soabi;
};

const std::vector<Tree>& trees() {
  static const std::vector<Tree> all{
      {"3.9", "/usr/bin/python3", "usr/local/lib/python3.9/dist-packages", "3.9.2",
       "cpython-39-x86_64-linux-gnu"},
      {"3.10", "/usr/local/bin/python3", "usr/local/lib/python3.10/site-packages", "3.10",
       "cpython-310-x86_64-linux-gnu"},
      {"3.11", "/usr/bin/python3", "usr/local/lib/python3.11/dist-packages", "3.11.2",
       "cpython-311-x86_64-linux-gnu"},
      {"3.12", "/usr/local/bin/python3", "usr/local/lib/python3.12/site-packages", "3.12.1",
       "cpython-312-x86_64-linux-gnu"},
      {"3.13", "/usr/bin/python3", "usr/local/lib/python3.13/dist-packages", "3.13.5",
       "cpython-313-x86_64-linux-gnu"},
      {"3.13t", "/usr/local/bin/python3", "usr/local/lib/python3.13t/site-packages", "3.13",
       "cpython-313t-x86_64-linux-gnu"},
      {"3.14", "/usr/bin/python3", "usr/local/lib/python3.14/dist-packages", "3.14",
       "cpython-314-x86_64-linux-gnu"},
      {"3.14t", "/usr/local/bin/python3", "usr/local/lib/python3.14t/site-packages", "3.14",
       "cpython-314t-x86_64-linux-gnu"},
  };
  return all;
}

Environment image_environment() {
  return {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/root"}};
}

void PrintTo(const Wheel& wheel, std::ostream* out) { *out << wheel.name; }
void PrintTo(const Tree& tree, std::ostream* out) { *out << tree.name; }

class RealWheel : public testing::TestWithParam<Wheel> {};

TEST_P(RealWheel, IsReadAsItIs) {
  const Wheel& wheel = GetParam();
  const std::string minor = wheel.name.substr(wheel.name.find("-cp3") + 4);
  const auto tree = std::find_if(trees().begin(), trees().end(),
                                 [&](const Tree& it) { return it.name == "3." + minor; });
  ASSERT_NE(tree, trees().end());
  LinkedTree image;
  image.add_all("python/" + tree->name, "");
  image.add_wheel(wheel, tree->site);
  const ImageFacts facts = read(image.root(), {"python3", "-I", "x.py"}, image_environment());

  ASSERT_TRUE(facts.torch.known()) << facts.torch.reason();
  const Torch& torch = *facts.torch;
  EXPECT_EQ(torch.path, "/" + tree->site + "/torch");
  EXPECT_EQ(torch.layout.value_or(""), "wheel");
  EXPECT_EQ(torch.version.value_or(""), wheel.version);
  EXPECT_EQ(torch.metadata_version.value_or(""), wheel.version.substr(0, wheel.version.find('+')));
  EXPECT_EQ(torch.cuda.value_or(""), wheel.cuda);
  EXPECT_TRUE(torch.hip.is_absent());
  EXPECT_EQ(torch.soabi.value_or(""), wheel.soabi);
  EXPECT_THAT(torch.soabis, ElementsAre(wheel.soabi));
  EXPECT_EQ(torch.machine.value_or(""), "x86_64");
  EXPECT_EQ(torch.exports_init, Fact<bool>(true));
  EXPECT_THAT(torch.wheel_tags.value_or({}), ElementsAre(wheel.tag));
  EXPECT_EQ(torch.cxx11_abi, Fact<bool>(wheel.cxx11_abi));
  EXPECT_THAT(torch.missing_files.value_or({"?"}), IsEmpty());
  EXPECT_THAT(torch.missing_python_symbols.value_or({"?"}), IsEmpty());
  std::string archs;
  for (const auto& arch : torch.arch_list.value_or({})) archs += (archs.empty() ? "" : " ") + arch;
  EXPECT_EQ(archs, wheel.arch_list) << torch.arch_list.reason();

  ASSERT_TRUE(torch.device_code.known()) << torch.device_code.reason();
  std::string counts;
  for (const auto& [target, count] : torch.device_code->entries)
    counts += target + " " + std::to_string(count) + "\n";
  std::ifstream oracle(test::inputs().native() + "/oracle/" + wheel.name + ".cuobjdump");
  const std::string said{std::istreambuf_iterator<char>(oracle), {}};
  EXPECT_EQ(counts, said) << "cuobjdump --list-elf --list-ptx";

  ASSERT_TRUE(facts.cuda_runtime.known()) << facts.cuda_runtime.reason();
  EXPECT_EQ(facts.cuda_runtime->path, "/" + tree->site + "/" + wheel.cudart);
  EXPECT_THAT(facts.cuda_runtime->found_by, HasSubstr("RPATH of"));
  EXPECT_EQ(facts.cuda_runtime->version.value_or(""), wheel.runtime_version);

  // The same without the file that gives the version, without the runtime, without
  // two libraries, and with one cut short.
  for (const auto& entry : fs::directory_iterator(image.at(tree->site)))
    if (entry.path().filename().string().starts_with("nvidia_cuda_runtime"))
      fs::remove_all(entry.path());
  EXPECT_TRUE(
      read(image.root(), {"python3"}, image_environment()).cuda_runtime->version.is_unknown());
  fs::remove(image.at(tree->site + "/" + wheel.cudart));
  EXPECT_TRUE(read(image.root(), {"python3"}, image_environment()).cuda_runtime.is_absent());
  fs::remove(image.at(tree->site + "/torch/lib/libtorch_cuda.so"));
  fs::remove(image.at(tree->site + "/torch/lib/libshm.so"));
  const auto broken = read(image.root(), {"python3"}, image_environment());
  EXPECT_THAT(broken.torch->missing_files.value_or({}),
              ElementsAre("libshm.so", "libtorch_cuda.so"));
  const auto c10 = image.at(tree->site + "/torch/lib/libc10.so");
  fs::remove(c10);  // the link: the cache's file must stay as it is
  fs::copy_file(test::inputs().native() + "/torch/" + wheel.name + "/torch/lib/libc10.so", c10);
  fs::resize_file(c10, fs::file_size(c10) - 100'000);
  EXPECT_THAT(
      read(image.root(), {"python3"}, image_environment()).torch->missing_files.value_or({}),
      testing::Contains("torch/lib/libc10.so (truncated)"));
}

INSTANTIATE_TEST_SUITE_P(OfTheCache, RealWheel, testing::ValuesIn(wheels()), [](const auto& it) {
  std::string name = it.param.name;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

// What `nm` says about dynamic symbols, one set of names.
std::set<std::string> nm(const std::string& option, const std::string& file) {
  const auto ran = test::run({"nm", "-D", option, file}, {{"PATH", "/usr/bin:/bin"}}, "/");
  if (ran.exit_code != 0) throw std::runtime_error("nm " + file);
  std::set<std::string> names;
  for (auto line : base::split_lines(ran.out)) {
    const auto words = base::split_words(line);
    if (words.empty() || (words.size() >= 2 && words[words.size() - 2] == "w")) continue;
    std::string_view name = words.back();
    name = name.substr(0, name.find('@'));
    if (name.starts_with("Py") || name.starts_with("_Py")) names.emplace(name);
  }
  return names;
}

// The file with the interpreter's exports, from the outside of the tree.
std::string code_of(const std::string& tree) {
  std::error_code none;  // Debian's program holds its code itself
  for (const auto& entry : fs::directory_iterator(tree + "/usr/local/lib", none))
    if (entry.path().filename().string().ends_with(".so.1.0")) return entry.path().string();
  const std::string version = fs::path(tree).filename().string();
  return tree + "/usr/bin/python" + version;
}

class RealPair : public testing::TestWithParam<Tree> {};

TEST_P(RealPair, AgreesWithTheNamesAndWithNm) {
  const Tree& tree = GetParam();
  const std::string path = test::inputs().native() + "/python/" + tree.name;
  const std::set<std::string> exports = nm("--defined-only", code_of(path));
  for (const Wheel& wheel : wheels()) {
    SCOPED_TRACE(wheel.name);
    const std::string site = test::inputs().native() + "/torch/" + wheel.name;
    Environment environment{{"PATH", "/usr/bin"}, {"HOME", "/nonexistent"}};
    environment["PYTHONPATH"] = site + ":" + test::inputs().native() + "/runtime/" + wheel.runtime;
    const ImageFacts facts = read("/", {path + tree.python, "-c", ""}, environment, "/usr");
    ASSERT_TRUE(facts.interpreter.known()) << facts.interpreter.reason();
    EXPECT_THAT(facts.interpreter->version.value_or(""), testing::StartsWith(tree.version));
    EXPECT_EQ(facts.interpreter->soabi.value_or(facts.interpreter->soabi.reason()), tree.soabi);
    ASSERT_TRUE(facts.torch.known()) << facts.torch.reason();
    EXPECT_EQ(facts.torch->path, site + "/torch");
    EXPECT_EQ(facts.torch->soabi.value_or(""), wheel.soabi);
    // The tree is torch's wheel alone, without what the wheel requires.
    std::vector<std::string> missing = facts.torch->missing_files.value_or({"?"});
    std::erase(missing, "typing_extensions");
    EXPECT_THAT(missing, IsEmpty());

    std::vector<std::string> expected;
    for (const auto& name : nm("--undefined-only", site + "/torch/lib/libtorch_python.so"))
      if (!exports.contains(name)) expected.push_back(name);
    ASSERT_TRUE(facts.torch->missing_python_symbols.known())
        << facts.torch->missing_python_symbols.reason();
    EXPECT_THAT(*facts.torch->missing_python_symbols, ElementsAreArray(expected));
    EXPECT_EQ(expected.empty() && tree.soabi == wheel.soabi, tree.soabi == wheel.soabi);

    // Of NVIDIA's wheels only the runtime's is on sys.path, and torch's preload gives up at
    // the first of the others, unless this machine has a toolkit in its ld.so.cache.
    if (facts.cuda_runtime) {
      EXPECT_EQ(facts.cuda_runtime->found_by, "ld.so.cache");
      continue;
    }
    EXPECT_TRUE(facts.cuda_runtime.is_absent()) << facts.cuda_runtime.reason();
    ASSERT_TRUE(facts.loader.known()) << facts.loader.reason();
    EXPECT_THAT(facts.loader->notes, testing::Contains(HasSubstr("libcublas")));
  }
}

// Whole images: interpreter, torch and all of NVIDIA's wheels.
TEST(RealImage, IsWithoutProblemsAndGetsTheRuntimeOfItsWheel) {
  for (const auto& [name, runtime] : {std::pair{"torch2.5.1-cp310", "12.8.90"},
                                      {"torch2.8.0-cp312", "12.8.90"},
                                      {"torch2.15.0-cp314", "13.2.86"}}) {
    SCOPED_TRACE(name);
    const ImageFacts facts = read(test::inputs().native() + "/image/" + name, {"python3", "-c", ""},
                                  {{"PATH", "/usr/local/bin:/usr/bin"}}, "/");
    ASSERT_TRUE(facts.cuda_runtime.known()) << facts.cuda_runtime.reason();
    EXPECT_EQ(facts.cuda_runtime->version.value_or(""), runtime);
    ASSERT_TRUE(facts.loader.known()) << facts.loader.reason();
    EXPECT_THAT(facts.loader->problems.missing, IsEmpty());
    EXPECT_THAT(facts.loader->problems.missing_versions, IsEmpty());
    ASSERT_TRUE(facts.loader->problems.undefined_symbols.known());
    EXPECT_THAT(*facts.loader->problems.undefined_symbols, IsEmpty());
    EXPECT_THAT(facts.loader->notes, IsEmpty());
    ASSERT_TRUE(facts.packages.known()) << facts.packages.reason();
    EXPECT_GE(facts.packages->size(), 25U);
  }
}

INSTANTIATE_TEST_SUITE_P(OfTheCache, RealPair, testing::ValuesIn(trees()), [](const auto& it) {
  std::string name = it.param.name;
  for (char& c : name)
    if (c == '.') c = '_';
  return name;
});

}  // namespace
}  // namespace gpuinit::image
