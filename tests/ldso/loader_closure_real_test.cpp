// The simulated loader against this machine's own: the same objects, by the same names, at
// the same paths, in the same order, and the same ones missing. Needs gcc and the inputs of
// tests/inputs/fetch.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "ldso/simulated_loader.h"
#include "support/elf_builder.h"
#include "support/inputs.h"
#include "support/tree.h"

namespace gpuinit::ldso {
namespace {

namespace files = std::filesystem;
using test::compile;
using test::ElfBuilder;
using test::Tree;
using ::testing::IsEmpty;

bool is_dynamic_program(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  char magic[4] = {};
  in.read(magic, 4);
  if (std::string_view(magic, 4) != "\177ELF") return false;
  auto fs = base::RootFs::open("/");
  auto file = fs->open_file(path);
  if (!file) return false;
  auto elf = elf::ElfFile::open(*file);
  if (!elf) return false;
  auto interpreter = elf->interpreter();
  struct stat status {};
  return interpreter && interpreter->has_value() && ::stat(path.c_str(), &status) == 0 &&
         (status.st_mode & (S_ISUID | S_ISGID)) == 0;
}

TEST(RealClosure, EveryProgramOfThisMachine) {
  std::set<std::string> programs;
  for (const char* directory : {"/usr/bin", "/usr/sbin", "/usr/lib/git-core"})
    for (const auto& entry : files::directory_iterator(directory)) {
      std::error_code gone;
      const auto real = files::canonical(entry.path(), gone);
      if (!gone && programs.size() < 400 && is_dynamic_program(real)) programs.insert(real);
    }
  std::size_t objects = 0;
  for (const std::string& program : programs) objects += expect_same(program);
  EXPECT_GT(programs.size(), 100U);
  EXPECT_GT(objects, 500U);
  RecordProperty("programs", static_cast<int>(programs.size()));
  RecordProperty("objects", static_cast<int>(objects));
}

TEST(RealClosure, EveryInterpreter) {
  for (const auto& program : test::interpreters()) {
    expect_same(program);
    // Its own tree's libraries before this machine's.
    const auto root = program.parent_path().parent_path();
    const std::string own = root.filename() == "local" ? root.parent_path() : root;
    expect_same(program, {{"LD_LIBRARY_PATH", own + "/lib/x86_64-linux-gnu:" + own + "/lib"}});
  }
}

// With the tree as the root: its own loader, its own ld.so.cache, its absolute symlinks.
TEST(RealClosure, EveryInterpreterInItsOwnRoot) {
  int compared = 0;
  for (const auto& tree : test::entries_of(test::inputs() / "python"))
    for (const char* place : {"/usr/bin/python", "/usr/local/bin/python"}) {
      const std::string program = place + tree.filename().string();
      if (!files::exists(tree.string() + program)) continue;
      for (const Environment& environment :
           {Environment{}, Environment{{"LD_PRELOAD", "libstdc++.so.6 libnone.so"}},
            Environment{{"LD_LIBRARY_PATH", "/usr/lib/x86_64-linux-gnu"}}}) {
        Environment with_origin = environment;  // there is no /proc that would tell it
        with_origin["LD_ORIGIN_PATH"] = base::parent(program);
        const auto real = test::trace({program}, with_origin, tree);
        if (!real.could_run) GTEST_SKIP() << "this process may not change its root";
        Simulated ours(program, environment, tree);
        EXPECT_EQ(ours.loaded(), real.loaded) << program << "\n" << real.all;
        EXPECT_EQ(ours.missing(), real.missing) << program;
        EXPECT_GT(real.loaded.size(), 1U) << tree << real.all;
        ++compared;
      }
    }
  EXPECT_GE(compared, 20);
}

// `_C` preloaded into each interpreter: most of nvidia's libraries are not there, and then the
// missing ones have to be the same for the same number of times.
TEST(RealClosure, EveryTorchInEveryInterpreter) {
  std::size_t missing = 0;
  for (const auto& wheel : test::entries_of(test::inputs() / "torch")) {
    for (const auto& file : test::entries_of(wheel / "torch"))
      if (file.filename().string().starts_with("_C.") && file.extension() == ".so")
        for (const auto& program : test::interpreters()) {
          expect_same(program, {{"LD_PRELOAD", file}});
          for (const auto& runtime : test::entries_of(test::inputs() / "runtime"))
            expect_same(program,
                        {{"LD_PRELOAD", file},
                         {"LD_LIBRARY_PATH", runtime.string() + "/nvidia/cuda_runtime/lib:" +
                                                 runtime.string() + "/nvidia/cu13/lib"}});
        }
    for (const auto& library : test::entries_of(wheel / "torch/lib")) {
      if (library.filename().string().find(".so") == std::string::npos) continue;
      // As the loader lists a library: that one has no PT_INTERP to go by.
      const test::Trace real = test::trace({"/lib64/ld-linux-x86-64.so.2", library});
      Simulated ours(library, {});
      EXPECT_EQ(ours.missing(), real.missing) << library;
      missing += real.missing.size();
    }
  }
  EXPECT_GT(missing, 20U);
}

// What a process has mapped after the interpreter's ctypes opened Debian's torch.
TEST(RealClosure, TorchOpenedByARunningInterpreter) {
  const std::string torch = "/usr/lib/python3/dist-packages/torch";
  std::string extension;
  for (const auto& file : test::entries_of(torch))
    if (file.filename().string().starts_with("_C.")) extension = file;
  if (extension.empty()) GTEST_SKIP() << "python3-torch is not installed";
  const std::string script = R"(
import ctypes, sys
class Map(ctypes.Structure): pass
Map._fields_ = [("addr", ctypes.c_void_p), ("name", ctypes.c_char_p), ("ld", ctypes.c_void_p),
                ("next", ctypes.POINTER(Map))]
class Debug(ctypes.Structure): _fields_ = [("version", ctypes.c_int), ("map", ctypes.POINTER(Map))]
def show(mark):
    m = Debug.in_dll(ctypes.CDLL(None), "_r_debug").map
    while m:
        print(mark + m.contents.name.decode()); m = m.contents.next
show("-")
ctypes.CDLL(sys.argv[1])
show("=")
)";
  test::RunOptions options;
  options.only_this_environment = true;
  const auto ran = test::run_program({"/usr/bin/python3", "-S", "-c", script, extension}, options);
  ASSERT_EQ(ran.exit_code, 0) << ran.err;

  const auto without_vdso = [](std::vector<std::string> paths) {
    std::erase(paths, "");  // the program
    std::erase(paths, "linux-vdso.so.1");
    return paths;
  };
  Simulated ours("/usr/bin/python3", {});
  // What `import ctypes` opened: libraries of its own beyond those of the program.
  for (const std::string& path : without_vdso(test::lines_with(ran.out, '-')))
    ASSERT_TRUE(ours->open(path).ok()) << path;
  EXPECT_EQ(ours.paths(), without_vdso(test::lines_with(ran.out, '-')));
  ASSERT_TRUE(ours->open(extension).ok());
  EXPECT_EQ(ours.paths(), without_vdso(test::lines_with(ran.out, '=')));
  EXPECT_THAT(ours.missing(), IsEmpty());
  EXPECT_GT(ours.paths().size(), 50U);
}

// torch with empty libraries in the place of nvidia's: the loader's own log says in which
// order it mapped which, and for whom, before it finds that symbols are missing.
TEST(RealClosure, TorchWithAllOfNvidiasNamesInTheOrderOfTheLoadersLog) {
  for (const auto& wheel : test::entries_of(test::inputs() / "torch")) {
    const std::string cuda = wheel / "torch/lib/libtorch_cuda.so";
    Tree tree;
    compile(tree.at("opener"), test::kOpener);
    for (std::set<std::string> made;;) {
      Simulated ours(tree.at("opener"), {{"LD_LIBRARY_PATH", tree.at("stubs")}});
      ASSERT_TRUE(ours->open(cuda).ok());
      if (ours.missing().empty()) break;
      const auto missing = ours.missing();
      for (const std::string& name : std::set<std::string>(missing.begin(), missing.end())) {
        ASSERT_TRUE(made.insert(name).second) << name << " was made and is missing still";
        tree.file("stubs/" + name, ElfBuilder().soname(name).build());
      }
    }
    Simulated ours(tree.at("opener"), {{"LD_LIBRARY_PATH", tree.at("stubs")}});
    ASSERT_TRUE(ours->open(cuda).ok());

    test::RunOptions options;
    options.only_this_environment = true;
    options.environment = {{"LD_LIBRARY_PATH", tree.at("stubs")}, {"LD_DEBUG", "files"}};
    const auto ran = test::run_program({tree.at("opener"), cuda}, options);
    // "  123:  file=liba.so [0];  needed by /b/libb.so [0]", then "… generating link map"
    Pairs real;
    std::string asker;
    for (const auto line : base::split_lines(ran.err)) {
      const auto at = line.find("file=");
      if (at == std::string_view::npos) continue;
      const std::string name(line.substr(at + 5, line.find(" [", at) - at - 5));
      const auto by = line.find("needed by ");
      if (by != std::string_view::npos) asker = line.substr(by + 10, line.find(" [", by) - by - 10);
      if (line.ends_with("dynamically loaded by " + tree.at("opener").string() + " [0]"))
        asker = tree.at("opener");
      if (line.find("generating link map") != std::string_view::npos)
        real.emplace_back(name, asker);
    }
    Pairs seen;
    for (std::size_t i = 1; i < ours->objects().size(); ++i) {
      const LoadedObject& object = ours->objects()[i];
      if (object.found_by.starts_with("PT_INTERP")) continue;
      seen.emplace_back(object.name, ours->objects()[object.asked_by].path);
    }
    EXPECT_EQ(seen, real) << cuda << "\n" << ran.err.substr(0, 2000);
    EXPECT_GT(seen.size(), 20U) << cuda;
  }
}

}  // namespace
}  // namespace gpuinit::ldso
