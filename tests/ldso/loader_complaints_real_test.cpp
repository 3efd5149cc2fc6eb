// What the simulated loader says of versions and symbols against what this machine's own
// prints under LD_WARN and LD_BIND_NOW, as `ldd -r` asks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <tuple>

#include "ldso/simulated_loader.h"
#include "ldso/symbol_check.h"
#include "ldso/version_check.h"
#include "support/elf_builder.h"
#include "support/inputs.h"
#include "support/torch_images.h"
#include "support/tree.h"

namespace gpuinit::ldso {
namespace {

namespace files = std::filesystem;
using test::compile;
using test::compile_library;
using test::ElfBuilder;
using test::Tree;

using Version = std::tuple<std::string, std::string, std::string>;  // provider, version, needer
using Undefined = std::pair<std::string, std::string>;              // object, "name, version V"

struct Complaints {
  std::set<Version> versions;
  std::set<Undefined> symbols;
};

// "p: /lib/liba.so: version `V1' not found (required by /lib/libb.so)" and
// "undefined symbol: f, version V1\t(/lib/libb.so)"
Complaints real_complaints(const std::string& program, Environment environment,
                           const std::string& root) {
  environment["LD_WARN"] = "yes";
  environment["LD_BIND_NOW"] = "yes";
  if (root != "/") environment["LD_ORIGIN_PATH"] = base::parent(program);  // it has no /proc
  const auto real = test::trace({program}, environment, root);
  EXPECT_TRUE(real.could_run);
  Complaints result;
  for (const std::string& line : real.complaints) {
    const auto quote = line.find(": version `");
    const auto end = line.find("' not found (required by ");
    if (quote != std::string::npos && end != std::string::npos &&
        line.find("weak version") == std::string::npos) {
      const auto provider = line.find(": ") + 2;
      result.versions.emplace(line.substr(provider, quote - provider),
                              line.substr(quote + 11, end - quote - 11),
                              line.substr(end + 25, line.size() - end - 26));
    }
    const auto tab = line.find("\t(");
    if (line.starts_with("undefined symbol: ") && tab != std::string::npos)
      result.symbols.emplace(line.substr(tab + 2, line.size() - tab - 3),
                             line.substr(18, tab - 18));
  }
  return result;
}

Complaints our_complaints(const std::string& program, const Environment& environment,
                          const std::string& root) {
  Simulated ours(program, environment, root);
  Complaints result;
  const auto path = [&](std::size_t object) { return ours->objects()[object].path; };
  const VersionCheck versions = check_versions(*ours.closure);
  EXPECT_TRUE(versions.problems.empty()) << versions.problems.front();
  for (const auto& one : versions.missing)
    result.versions.emplace(path(one.provider), one.version.version, path(one.needed_by));
  SymbolCheck check(*ours.closure);
  for (std::size_t object = 0; object < ours->objects().size(); ++object) {
    auto undefined = check.undefined(object, [](std::string_view) { return true; });
    if (!undefined) {
      ADD_FAILURE() << undefined.error().message;
      continue;
    }
    for (const auto& symbol : *undefined)
      result.symbols.emplace(path(object), symbol.version.empty()
                                               ? symbol.name
                                               : symbol.name + ", version " + symbol.version);
  }
  return result;
}

// The version with the highest index in DT_VERNEED, if its library is missing: glibc, going on
// under LD_WARN, has no entry for it and prints none, or "" or whatever is there.
void forget_version_of(const std::string& symbol, std::set<Undefined>& symbols) {
  std::set<Undefined> result;
  for (const auto& [object, text] : symbols)
    result.emplace(object, text.starts_with(symbol + ", version ") ? symbol : text);
  symbols = std::move(result);
}

template <class Set>
void expect_equal(const Set& ours, const Set& real, const std::string& about) {
  std::size_t shown = 0;
  for (const auto& one : real)
    if (!ours.contains(one) && ++shown < 10)
      ADD_FAILURE() << about << ": only the loader: " << ::testing::PrintToString(one);
  for (const auto& one : ours)
    if (!real.contains(one) && ++shown < 20)
      ADD_FAILURE() << about << ": only ours: " << ::testing::PrintToString(one);
}

// How many complaints both have.
std::size_t expect_same_complaints(const std::string& program, const Environment& environment,
                                   const std::string& root = "/") {
  Complaints real = real_complaints(program, environment, root);
  Complaints ours = our_complaints(program, environment, root);
  for (Complaints* one : {&real, &ours}) forget_version_of("avfilter_version", one->symbols);
  std::string about = program;
  for (const auto& [name, value] : environment) about += " " + name + "=" + value;
  expect_equal(ours.versions, real.versions, about);
  expect_equal(ours.symbols, real.symbols, about);
  return real.versions.size() + real.symbols.size();
}

std::string extension_of(const files::path& package) {
  for (const auto& file : test::entries_of(package))
    if (file.filename().string().starts_with("_C.") && file.extension() == ".so") return file;
  ADD_FAILURE() << package << " has no _C";
  return "";
}

// Each torch in each interpreter: of another minor release symbols of Python are missing, and
// with nvidia's libraries not there thousands of theirs.
TEST(RealComplaints, EveryTorchInEveryInterpreter) {
  std::size_t complaints = 0;
  for (const auto& wheel : test::entries_of(test::inputs() / "torch"))
    for (const auto& program : test::interpreters())
      complaints +=
          expect_same_complaints(program, {{"LD_PRELOAD", extension_of(wheel / "torch")}});
  EXPECT_GT(complaints, 1000U);
}

// The extensions of all torches behind each whole torch: every symbol and version, not only the
// first that dlerror would name.
TEST(RealComplaints, EveryExtensionInEveryWholeTorch) {
  std::size_t pairs = 0;
  std::size_t complaints = 0;
  std::size_t healthy = 0;
  for (const test::TorchImage& image : test::torch_images()) {
    if (!test::trace({image.python}, {}, image.root).could_run)
      GTEST_SKIP() << "this process may not change its root";
    std::string preload;
    for (const char* library : {"cpu", "cuda", "python"})
      preload += image.torch + "/lib/libtorch_" + library + ".so:";
    EXPECT_EQ(expect_same_complaints(image.python, {{"LD_PRELOAD", preload}}, image.root), 0U);
    for (const auto& entry : files::recursive_directory_iterator(image.root + "/extensions")) {
      const std::string path = entry.path().string().substr(image.root.size());
      if (!entry.is_regular_file() || entry.path().extension() != ".so" ||
          path.starts_with("/extensions/trixie/") || path.starts_with("/extensions/torchcodec-"))
        continue;
      const std::size_t found =
          expect_same_complaints(image.python, {{"LD_PRELOAD", preload + path}}, image.root);
      ++pairs;
      complaints += found;
      healthy += found == 0 ? 1 : 0;
    }
  }
  std::printf("%zu pairs, %zu complaints, %zu without any\n", pairs, complaints, healthy);
  EXPECT_GT(pairs, 100U);
  EXPECT_GT(complaints, 1000U);
  EXPECT_GT(healthy, 15U);
}

TEST(RealComplaints, NoneOfDebiansTorchInItsInterpreter) {
  const std::string torch = "/usr/lib/python3/dist-packages/torch";
  if (!files::exists(torch)) GTEST_SKIP() << "python3-torch is not installed";
  EXPECT_EQ(expect_same_complaints("/usr/bin/python3", {{"LD_PRELOAD", extension_of(torch)}}), 0U);
}

// An older libstdc++ and an older libc in front of this machine's.
TEST(RealComplaints, OldLibrariesInFront) {
  Tree tree;
  tree.file("libstdc++.so.6", ElfBuilder()
                                  .soname("libstdc++.so.6")
                                  .defines_version("GLIBCXX_3.4")
                                  .defines_version("GLIBCXX_3.4.9")
                                  .defines_version("CXXABI_1.3")
                                  .build());
  tree.file("libm.so.6", ElfBuilder().soname("libm.so.6").defines_version("GLIBC_2.2.5").build());
  tree.file("libgcc_s.so.1", ElfBuilder().soname("libgcc_s.so.1").build());  // without versions
  std::size_t complaints = 0;
  for (const auto& wheel : test::entries_of(test::inputs() / "torch"))
    complaints += expect_same_complaints(
        test::interpreters().front(),
        {{"LD_PRELOAD", extension_of(wheel / "torch")}, {"LD_LIBRARY_PATH", tree.root()}});
  EXPECT_GT(complaints, 30U);
}

// Versions and symbols as gcc and the linker make them, in all their kinds.
TEST(RealComplaints, MadeLibraries) {
  Tree tree;
  const auto script = [&](const std::string& text) {
    tree.file("map", text);
    return "-Wl,--version-script," + tree.at("map").string();
  };
  compile_library(tree.at("new/liba.so"), "int f(){} int g(){} int h(){} int i(){} int plain;",
                  {script("V1 { global: f; }; V2 { g; } V1; V3 { h; } V2; V4 { i; };")});
  compile_library(tree.at("unversioned/liba.so"), "int f(){} int g(){}");
  compile_library(tree.at("less/liba.so"), "int f(){} int g(){}",
                  {script("V1 { f; }; V2 { g; } V1;")});
  compile_library(tree.at("moved/liba.so"), "int f(){} int g(){} int h(){} int i(){}",
                  {script("V1 { g; }; V2 { f; } V1; V3 { i; } V2; V4 { h; };")});
  compile_library(tree.at("hidden/liba.so"),
                  "int f1(){} int g1(){} int h1(){} int i1(){}"
                  "__asm__(\".symver f1,f@V1\\n.symver g1,g@V2\\n.symver h1,h@V3\\n\");",
                  {script("V1 { f; }; V2 { g; } V1; V3 { h; } V2; V4 { i; };")});
  compile_library(tree.at("sysv/liba.so"), "int f(){} int g(){} int h(){}",
                  {"-Wl,--hash-style=sysv"});
  const std::string uses =
      "int f(); int g(); int h(); int i(); int weak() __attribute__((weak));"
      "int main() { return f() + g() + h() + i() + (weak ? weak() : 0); }";
  compile(tree.at("versioned"), uses, {tree.at("new/liba.so")});
  compile_library(tree.at("libplain.so"), uses, {"-Wl,-z,lazy"});  // wants no versions
  compile(tree.at("program"), "int main() { return 0; }");
  std::size_t complaints = 0;
  for (const char* place : {"new", "unversioned", "less", "moved", "hidden", "sysv", "none"}) {
    SCOPED_TRACE(place);
    const std::string directory = tree.at(place);
    complaints += expect_same_complaints(tree.at("versioned"), {{"LD_LIBRARY_PATH", directory}});
    complaints += expect_same_complaints(
        tree.at("program"),
        {{"LD_PRELOAD", tree.at("libplain.so").string() + ":" + directory + "/liba.so"}});
  }
  EXPECT_GT(complaints, 10U);
}

}  // namespace
}  // namespace gpuinit::ldso
