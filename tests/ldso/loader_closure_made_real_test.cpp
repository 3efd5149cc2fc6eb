// The simulated loader against this machine's own on libraries that gcc makes for one
// question each: RPATH and RUNPATH, $ORIGIN, preloads, one file under many names, dlopen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "ldso/simulated_loader.h"
#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::ldso {
namespace {

namespace files = std::filesystem;
using test::compile;
using test::compile_library;
using test::ElfBuilder;
using test::Tree;
using ::testing::Contains;
using ::testing::IsEmpty;

// `main.c` that calls what its libraries define, and links them in this order.
std::vector<std::string> linked(const Tree& tree, std::vector<std::string> libraries,
                                std::vector<std::string> more = {}) {
  for (const auto& library : libraries) more.push_back(tree.at(library));
  return more;
}

std::string run_opener(const Tree& tree, const std::vector<std::string>& names,
                       const Environment& environment = {}) {
  std::vector<std::string> argv = {tree.at("opener")};
  argv.insert(argv.end(), names.begin(), names.end());
  test::RunOptions options;
  options.only_this_environment = true;
  options.environment = environment;
  options.directory = "/";
  const auto ran = test::run_program(argv, options);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  return ran.out;
}

// A program with one library in the middle that needs one leaf; the leaf lies in `a` and `b`.
// Where its directory is said, and by which of the two, decides.
struct Chain {
  Tree tree;
  Chain(const std::string& program_tag, const std::string& program_path,
        const std::string& middle_tag, const std::string& middle_path) {
    for (const char* place : {"a", "b", "env"})
      compile_library(tree.at(std::string(place) + "/libleaf.so"), "int leaf() { return 1; }");
    std::vector<std::string> options = linked(tree, {"a/libleaf.so"});
    if (!middle_tag.empty())
      options.insert(options.end(), {middle_tag, "-Wl,-rpath," + middle_path});
    compile_library(tree.at("mid/libmiddle.so"), "int leaf(); int middle() { return leaf(); }",
                    options);
    options = {tree.at("mid/libmiddle.so"), "-Wl,--allow-shlib-undefined"};
    if (!program_tag.empty())
      options.insert(options.end(), {program_tag, "-Wl,-rpath," + program_path});
    compile(tree.at("bin/program"), "int middle(); int main() { return middle(); }", options);
  }
  std::string program() const { return tree.at("bin/program"); }
};

constexpr const char* kOld = "-Wl,--disable-new-dtags";  // RPATH
constexpr const char* kNew = "-Wl,--enable-new-dtags";   // RUNPATH

TEST(MadeClosure, RpathServesTheWholeChainAndRunpathOnlyItsObject) {
  const std::string mid = "$ORIGIN/../mid:";
  for (const auto& [program_tag, program_path] : std::vector<std::pair<std::string, std::string>>{
           {kOld, mid + "$ORIGIN/../a"}, {kNew, mid + "$ORIGIN/../a"}, {kOld, mid}, {kNew, mid}})
    for (const auto& [middle_tag, middle_path] : std::vector<std::pair<std::string, std::string>>{
             {"", ""}, {kOld, "$ORIGIN/../b"}, {kNew, "$ORIGIN/../b"}, {kNew, "/nowhere"}}) {
      const Chain chain(program_tag, program_path, middle_tag, middle_path);
      SCOPED_TRACE(program_tag + " " + program_path + ", " + middle_tag + " " + middle_path);
      expect_same(chain.program());
      expect_same(chain.program(), {{"LD_LIBRARY_PATH", chain.tree.root() + "/env"}});
      expect_same(chain.program(), {{"LD_LIBRARY_PATH", "$ORIGIN/../env"}});
      expect_same(chain.program(),
                  {{"LD_LIBRARY_PATH", "$ORIGIN/none;/x:" + chain.tree.root() + "/env///"}});
    }
}

TEST(MadeClosure, OriginOfAProgramIsWhereItLiesAndOfALibraryWhereItWasOpened) {
  Chain chain(kNew, "$ORIGIN/../mid", kNew, "$ORIGIN/../b");
  // The program through a link: the kernel resolves it. The library through one: it stays as it is.
  chain.tree.link("elsewhere/program", chain.program());
  std::filesystem::create_directories(chain.tree.at("elsewhere/mid"));
  std::filesystem::rename(chain.tree.at("mid/libmiddle.so"), chain.tree.at("real.so"));
  chain.tree.link("mid/libmiddle.so", "../real.so");
  expect_same(chain.program());
  expect_same(chain.tree.at("elsewhere/program"));
  std::filesystem::remove_all(chain.tree.at("b"));
  expect_same(chain.program());
}

TEST(MadeClosure, PreloadsAreFirstAndServeTheNamesThatFollow) {
  const Chain chain(kNew, "$ORIGIN/../mid", kNew, "$ORIGIN/../b");
  const std::string root = chain.tree.root();
  compile_library(chain.tree.at("pre/libpre.so"), "int pre() { return 1; }",
                  {"-lm", "-Wl,-rpath,/nowhere"});
  for (const std::string& preload : std::vector<std::string>{
           root + "/pre/libpre.so", root + "/env/libleaf.so",
           "libm.so.6 " + root + "/pre/libpre.so", root + "/none.so:" + root + "/a/libleaf.so",
           "libpre.so", root + "/a/libleaf.so:" + root + "/b/libleaf.so",
           "$ORIGIN/../pre/libpre.so", root + "/pre/libpre.so:" + root + "/pre/../pre/libpre.so"}) {
    SCOPED_TRACE(preload);
    expect_same(chain.program(), {{"LD_PRELOAD", preload}});
    expect_same(chain.program(), {{"LD_PRELOAD", preload}, {"LD_LIBRARY_PATH", root + "/pre"}});
  }
}

TEST(MadeClosure, OneFileIsOneObjectUnderAllItsNames) {
  Tree tree;
  compile_library(tree.at("liba.so"), "int a() { return 1; }");
  tree.link("libalias.so", "liba.so");
  std::filesystem::create_hard_link(tree.at("liba.so"), tree.at("libhard.so"));
  std::filesystem::copy(tree.at("liba.so"), tree.at("libcopy.so"));  // the same SONAME inside
  for (const std::vector<std::string>& needs :
       std::vector<std::vector<std::string>>{{"libalias.so", "liba.so", "libhard.so"},
                                             {"libcopy.so", "liba.so"},
                                             {"liba.so", "libcopy.so", "libalias.so"},
                                             {tree.at("libcopy.so"), "liba.so", tree.at("liba.so")},
                                             {"libgone.so", "liba.so", "libgone.so"}}) {
    ElfBuilder library;
    for (const std::string& name : needs) library.needs(name);
    library.runpath("$ORIGIN");
    tree.file("libtop.so", library.build());
    compile(tree.at("program"), "int main() { return 0; }");
    expect_same(tree.at("program"), {{"LD_PRELOAD", tree.at("libtop.so")}});
  }
}

TEST(MadeClosure, LibrariesOfOtherMachinesArePassedOver) {
  Tree tree;
  tree.file("arm/liba.so", ElfBuilder().machine(EM_AARCH64).soname("liba.so").build());
  tree.file("i386/liba.so", ElfBuilder().elf32().soname("liba.so").build());
  tree.file("good/liba.so", ElfBuilder().soname("liba.so").build());
  tree.file("libtop.so", ElfBuilder().needs("liba.so").build());
  compile(tree.at("program"), "int main() { return 0; }");
  for (const std::string directories :
       {"$ORIGIN/arm:$ORIGIN/i386:$ORIGIN/good", "$ORIGIN/arm:$ORIGIN/i386"})
    expect_same(tree.at("program"),
                {{"LD_PRELOAD", tree.at("libtop.so")}, {"LD_LIBRARY_PATH", directories}});
}

TEST(MadeClosure, HwcapsDirectoriesOfEveryKindOfSearchPath) {
  Tree tree;
  compile(tree.at("program"), "int main() { return 0; }");
  tree.file("libtop.so", ElfBuilder().needs({"liba.so", "libb.so"}).runpath("$ORIGIN/run").build());
  for (const char* place :
       {"run/liba.so", "run/glibc-hwcaps/x86-64-v2/liba.so", "run/glibc-hwcaps/x86-64-v3/liba.so",
        "run/libb.so", "run/glibc-hwcaps/x86-64-v4/libb.so", "env/glibc-hwcaps/x86-64-v2/libb.so"})
    tree.file(place, ElfBuilder().soname(files::path(place).filename().string()).build());
  for (const std::string path : {"", "$ORIGIN/env"})
    expect_same(tree.at("program"),
                {{"LD_PRELOAD", tree.at("libtop.so")}, {"LD_LIBRARY_PATH", path}});
}

// dlopen for real: what is loaded wins over any search, the caller's RUNPATH serves a name
// without a slash, the RPATH of the chain of loaders what the opened library needs.
TEST(MadeClosure, WhatIsOpenedLater) {
  Tree tree;
  for (const char* place : {"a", "b"})
    compile_library(tree.at(std::string(place) + "/libleaf.so"), "int leaf() { return 1; }");
  compile_library(tree.at("p/libplugin.so"), "int leaf(); int plugin() { return leaf(); }",
                  linked(tree, {"a/libleaf.so"}));
  compile_library(tree.at("p/libruns.so"), "int leaf(); int runs() { return leaf(); }",
                  linked(tree, {"a/libleaf.so"}, {kNew, "-Wl,-rpath,$ORIGIN/../b"}));
  tree.link("links/libruns.so", "../p/libruns.so");
  const auto open = [&](const std::string& text) {
    return text.find('/') == std::string::npos ? text : tree.root() + "/" + text;
  };
  const std::string opener = tree.at("opener");
  for (const char* tag : {kOld, kNew}) {
    compile(opener, test::kOpener, {tag, "-Wl,-rpath,$ORIGIN/p:$ORIGIN/a"});
    for (const std::vector<std::string>& names : std::vector<std::vector<std::string>>{
             {"p/libplugin.so"},
             {"libplugin.so"},
             {"p/libruns.so", "p/libplugin.so"},
             {"p/libplugin.so", "p/libruns.so"},
             {"links/libruns.so"},
             {"links/libruns.so", "p/libruns.so", "libleaf.so", "a/libleaf.so"},
             {"b/libleaf.so", "libplugin.so", "a/libleaf.so"},
             {"p/libruns.so", "libz.so.1", "libstdc++.so.6", "libm.so.6"}}) {
      std::vector<std::string> opened;
      for (const std::string& name : names) opened.push_back(open(name));
      const auto out = run_opener(tree, opened);
      if (!test::lines_with(out, '!').empty()) {
        // A dlopen that fails takes back what it loaded; ours says what was missing.
        Simulated ours(opener, {});
        bool failed = false;
        for (const std::string& name : opened) failed |= !ours->open(name).ok();
        EXPECT_TRUE(failed || !ours.missing().empty()) << out;
        continue;
      }
      Simulated ours(opener, {});
      for (const std::string& name : opened) EXPECT_TRUE(ours->open(name).ok()) << name;
      auto real = test::lines_with(out, '=');
      std::erase(real, "");
      std::erase(real, "linux-vdso.so.1");
      EXPECT_EQ(ours.paths(), real) << tag << " " << ::testing::PrintToString(names);
      EXPECT_THAT(ours.missing(), IsEmpty());
    }
  }
}

TEST(MadeClosure, ShadowedFilesAreWhatTheLoaderTakesNext) {
  Tree tree;
  compile(tree.at("program"), "int main() { return 0; }");
  tree.file("libtop.so", ElfBuilder().needs("libz.so.1").rpath("$ORIGIN/r1:$ORIGIN/r2").build());
  for (const char* place : {"r1", "r2", "env"})
    tree.file(std::string(place) + "/libz.so.1", ElfBuilder().soname("libz.so.1").build());
  const Environment environment = {{"LD_PRELOAD", tree.at("libtop.so")},
                                   {"LD_LIBRARY_PATH", tree.root() + "/env"}};
  Simulated ours(tree.at("program"), environment);
  std::vector<std::string> expected;
  for (const FoundLibrary& next : ours->shadowed(ours->answering_to("libz.so.1")))
    expected.push_back(next.path);
  ASSERT_GE(expected.size(), 3U) << "two of ours and this machine's";
  for (const std::string& next : expected) {
    Simulated now(tree.at("program"), environment);
    files::remove(now->objects()[now->answering_to("libz.so.1")].path);
    const auto real = test::trace({tree.at("program")}, environment);
    EXPECT_THAT(real.loaded, Contains(std::pair(std::string("libz.so.1"), next)));
    if (!next.starts_with(tree.root())) break;  // this machine's own stays
  }
}

}  // namespace
}  // namespace gpuinit::ldso
