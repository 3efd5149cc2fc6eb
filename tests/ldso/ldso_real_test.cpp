// The room against the programs that know, ldconfig and the loader itself, on this machine's
// libraries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "base/root_fs.h"
#include "base/text.h"
#include "elf/elf_file.h"
#include "ldso/ld_so_cache.h"
#include "ldso/library_search.h"
#include "support/elf_builder.h"
#include "support/inputs.h"
#include "support/tree.h"

namespace gpuinit::ldso {
namespace {

namespace files = std::filesystem;
using test::ElfBuilder;
using test::output_of;
using test::run_program;
using test::Tree;

base::RootFs machine() { return std::move(base::RootFs::open("/")).value(); }

TEST(RealLdSoCache, EqualsLdconfig) {
  auto fs = machine();
  auto file = fs.open_file("/etc/ld.so.cache");
  ASSERT_TRUE(file.ok()) << file.error().message;
  auto entries = read_ld_so_cache(*file);
  ASSERT_TRUE(entries.ok()) << entries.error().message;

  using Row = std::tuple<std::string, std::string, bool, bool>;  // soname, path, native, hwcaps
  std::vector<Row> expected;
  const std::string output = output_of({"/sbin/ldconfig", "-p"});
  for (const auto line : base::split_lines(output)) {
    const auto arrow = line.find(" => ");
    const auto type = line.find(" (");
    if (arrow == std::string_view::npos || type == std::string_view::npos) continue;
    const auto flags = line.substr(type, arrow - type);
    expected.emplace_back(
        base::trim(line.substr(0, type)), line.substr(arrow + 4),
        flags.starts_with(" (libc6,x86-64") || flags.starts_with(" (libc6,AArch64"),
        flags.find("hwcap") != std::string_view::npos);
  }
  std::vector<Row> seen;
  for (const CacheEntry& entry : *entries)
    seen.emplace_back(entry.soname, entry.path, entry.native, entry.hwcaps);
  EXPECT_EQ(seen, expected);
  EXPECT_GT(seen.size(), 20U);
}

// What this machine's loader makes of a library: soname → path, "" if not found.
std::map<std::string, std::string> traced(const files::path& library,
                                          const std::string& library_path) {
  test::RunOptions options;
  options.only_this_environment = true;
  options.environment["LD_TRACE_LOADED_OBJECTS"] = "1";
  if (!library_path.empty()) options.environment["LD_LIBRARY_PATH"] = library_path;
  options.directory = "/";
  const auto ran = run_program({"/lib64/ld-linux-x86-64.so.2", library.native()}, options);
  std::map<std::string, std::string> result;
  for (const auto line : base::split_lines(ran.out)) {
    const auto arrow = line.find(" => ");
    if (arrow == std::string_view::npos) continue;
    auto path = line.substr(arrow + 4);
    path = path == "not found" ? "" : path.substr(0, path.find(" (0x"));
    result.emplace(base::trim(line.substr(0, arrow)), path);
  }
  EXPECT_FALSE(result.empty()) << ran.out << ran.err;
  return result;
}

TEST(RealLoader, FindsTheSameLibrariesThroughTheCache) {
  auto fs = machine();
  const LibrarySearch search(fs, {});
  auto file = fs.open_file("/etc/ld.so.cache");
  ASSERT_TRUE(file.ok());
  // Libraries by their own SONAME: by another name they may be loaded already.
  std::set<std::string> sonames;
  auto entries = read_ld_so_cache(*file);
  ASSERT_TRUE(entries.ok());
  for (const CacheEntry& entry : *entries) {
    auto library = fs.open_file(entry.path);
    if (sonames.size() >= 150 || !entry.native || !library) continue;
    auto elf = elf::ElfFile::open(*library);
    if (elf && elf->dynamic() && elf->dynamic()->soname == entry.soname)
      sonames.insert(entry.soname);
  }
  ASSERT_GE(sonames.size(), 50U);
  sonames.insert({"libgpuinit-none.so.1", "libgpuinit-none.so.2"});

  ElfBuilder builder;
  for (const std::string& soname : sonames) builder.needs(soname);
  Tree tree;
  tree.file("libroot.so", builder.build());
  const auto real = traced(tree.at("libroot.so"), "");
  for (const std::string& soname : sonames) {
    ASSERT_TRUE(real.contains(soname)) << soname;
    auto found = search.find(soname, {tree.at("libroot.so"), "", ""}, "x86_64");
    EXPECT_EQ(found ? found->path : "", real.at(soname)) << soname;
  }
}

// Where a library lies in several places, the loader and we pick the same one.
TEST(RealLoader, AgreesOnTheOrderOfPlaces) {
  const std::vector<std::string> places = {"rpath",
                                           "env",
                                           "runpath",
                                           "lib/sub",
                                           "env/glibc-hwcaps/x86-64-v2",
                                           "env/glibc-hwcaps/x86-64-v3",
                                           "runpath/glibc-hwcaps/x86-64-v4"};
  // Bit n of `mask`: a good library in places[n]. The loader is asked about every subset.
  Tree tree;
  ElfBuilder by_rpath, by_runpath;
  std::vector<std::string> sonames;
  for (unsigned mask = 0; mask < 1U << places.size(); ++mask) {
    const std::string soname = "libp" + std::to_string(mask) + ".so.1";
    sonames.push_back(soname);
    for (std::size_t i = 0; i < places.size(); ++i)
      if ((mask >> i & 1) != 0)
        tree.file(places[i] + "/" + soname, ElfBuilder().soname(soname).build());
    // In front of all: libraries for other machines.
    tree.file("other/" + soname, ElfBuilder().machine(EM_AARCH64).build());
  }
  by_rpath.needs("libp0.so.1");
  const std::string origin = "$ORIGIN/other:${ORIGIN}/";
  for (ElfBuilder* builder : {&by_rpath, &by_runpath})
    for (const std::string& soname : sonames) builder->needs(soname);
  by_rpath.rpath(origin + "rpath");
  by_runpath.rpath(origin + "rpath")
      .runpath(origin + "runpath:$ORIGIN/$LIB/none:$ORIGIN/lib/../lib/sub");
  tree.file("by_rpath.so", by_rpath.build()).file("by_runpath.so", by_runpath.build());

  auto fs = machine();
  const std::string root = tree.root();
  for (const std::string& library_path :
       {std::string(), root + "/other:" + root + "/env", root + "/none;" + root + "/env;"}) {
    const LibrarySearch search(fs, {{"LD_LIBRARY_PATH", library_path}});
    for (const char* name : {"by_rpath.so", "by_runpath.so"}) {
      const std::string path = tree.at(name);
      auto file = fs.open_file(path);
      ASSERT_TRUE(file.ok());
      auto dynamic = elf::ElfFile::open(*file).value().dynamic();
      ASSERT_TRUE(dynamic.ok());
      const auto real = traced(path, library_path);
      for (const std::string& soname : sonames) {
        ASSERT_TRUE(real.contains(soname)) << soname;
        auto found = search.find(soname, {path, dynamic->rpath, dynamic->runpath}, "x86_64");
        EXPECT_EQ(found ? found->path : "", real.at(soname))
            << soname << " of " << name << " with LD_LIBRARY_PATH=" << library_path;
      }
    }
  }
}

}  // namespace
}  // namespace gpuinit::ldso
