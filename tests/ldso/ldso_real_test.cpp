// The room against the programs that know: cuobjdump, readelf, ldconfig and the
// loader itself, on real libraries. Needs the inputs of tests/inputs/fetch.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/root_fs.h"
#include "base/text.h"
#include "elf/elf_file.h"
#include "elf/fatbin.h"
#include "ldso/ld_so_cache.h"
#include "ldso/library_search.h"
#include "support/elf_builder.h"
#include "support/run_program.h"
#include "support/tree.h"

namespace gpuinit::ldso {
namespace {

namespace files = std::filesystem;
using test::ElfBuilder;
using test::run_program;
using test::Tree;

files::path cache() {
  if (const char* set = std::getenv("GPUINIT_TESTS_CACHE")) return set;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME")) return files::path(xdg) / "gpuinit-tests";
  const char* home = std::getenv("HOME");
  return files::path(home != nullptr ? home : "/root") / ".cache/gpuinit-tests";
}

// A program's output in one locale; fails the test if it cannot be run.
std::string output_of(const std::vector<std::string>& argv) {
  test::RunOptions options;
  options.environment["LC_ALL"] = "C";
  const auto ran = run_program(argv, options);
  EXPECT_EQ(ran.exit_code, 0) << argv[0] << ": " << ran.err;
  return ran.out;
}

base::RootFs machine() { return std::move(base::RootFs::open("/")).value(); }

// Names in `directory`, sorted; empty and a failure if there is none.
std::vector<files::path> entries_of(const files::path& directory) {
  std::vector<files::path> result;
  std::error_code problem;
  for (const auto& entry : files::directory_iterator(directory, problem))
    result.push_back(entry.path());
  EXPECT_FALSE(result.empty()) << directory << ": run tests/inputs/fetch.py";
  std::sort(result.begin(), result.end());
  return result;
}

// Shared libraries of the torch wheels, the drivers and this machine's libc.
std::vector<std::string> real_libraries() {
  std::vector<std::string> result = {"/lib/x86_64-linux-gnu/libc.so.6",
                                     "/lib/x86_64-linux-gnu/libm.so.6"};
  for (const auto& torch : entries_of(cache() / "torch")) {
    result.push_back(torch / "torch/lib/libtorch_python.so");
    result.push_back(torch / "torch/lib/libc10.so");
    result.push_back(torch / "torch/lib/libtorch_cuda.so");
    for (const auto& file : entries_of(torch / "torch"))
      if (file.filename().string().starts_with("_C.")) result.push_back(file);
  }
  for (const auto& driver : entries_of(cache() / "driver"))
    result.push_back(driver / "usr/lib/x86_64-linux-gnu/libcuda.so.1");
  for (const auto& python : entries_of(cache() / "python"))
    for (const char* place : {"usr/bin", "usr/local/bin"}) {
      const auto program = python / place / ("python" + python.filename().string());
      if (files::exists(program)) result.push_back(program);
    }
  return result;
}

// --- fatbins and cuobjdump --------------------------------------------------

// Lines "sm_90a 2" and "ptx sm_90 341" of tests/inputs/cuobjdump_oracle.sh. The
// listing tells `a` and `f` variants apart, so the comparison is exact; its
// "nvvm" lines are LTO IR, which our entries leave out.
std::map<std::string, std::uint64_t> oracle(const files::path& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in.good()) << file << ": run tests/inputs/fetch.py";
  std::map<std::string, std::uint64_t> counts;
  for (std::string line; std::getline(in, line);) {
    auto words = base::split_words(line);
    if (words.empty() || words[0] == "nvvm") continue;
    std::string target(words[words.size() - 2]);
    if (words[0] == "ptx") target = "compute_" + target.substr(3);
    counts[target] = base::parse_number(words.back()).value_or(0);
  }
  return counts;
}

TEST(RealFatbins, CountsEqualCuobjdumpOnEveryTorchWheel) {
  const auto fs = machine();
  int libraries = 0;
  for (const auto& torch : entries_of(cache() / "torch")) {
    for (const auto& library : entries_of(torch / "torch/lib")) {
      const std::string name = library.stem();
      if (!name.starts_with("libtorch_cuda") || library.extension() != ".so") continue;
      std::string counted_in = torch.filename();
      if (name != "libtorch_cuda") counted_in += "." + name.substr(3);
      auto file = fs.open_file(library.native());
      ASSERT_TRUE(file.ok()) << file.error().message;
      auto elf = elf::ElfFile::open(*file);
      ASSERT_TRUE(elf.ok()) << elf.error().message;
      auto fatbins = elf::read_fatbins(*elf);
      ASSERT_TRUE(fatbins.ok()) << fatbins.error().message;
      EXPECT_EQ(fatbins->entries, oracle(cache() / "oracle" / (counted_in + ".cuobjdump")))
          << library;

      // Groups and entries tell the same story.
      std::uint64_t grouped = 0;
      for (const auto& group : fatbins->groups) grouped += group.containers;
      EXPECT_GT(grouped, 0U);
      EXPECT_LE(grouped, fatbins->containers);
      ++libraries;
    }
  }
  EXPECT_GE(libraries, 6) << "each of the wheels has libtorch_cuda.so and libtorch_cuda_linalg.so";
}

// --- ELF and readelf --------------------------------------------------------

TEST(RealElf, DynamicFactsEqualReadelf) {
  const auto fs = machine();
  for (const std::string& path : real_libraries()) {
    auto file = fs.open_file(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    auto elf = elf::ElfFile::open(*file);
    ASSERT_TRUE(elf.ok()) << elf.error().message;
    auto dynamic = elf->dynamic();
    ASSERT_TRUE(dynamic.ok()) << dynamic.error().message;

    elf::Dynamic expected;
    const std::string output = output_of({"readelf", "-dW", path});
    for (const auto line : base::split_lines(output)) {
      const auto open = line.find('[');
      if (open == std::string_view::npos) continue;
      const std::string value(line.substr(open + 1, line.rfind(']') - open - 1));
      if (line.find("(NEEDED)") != std::string_view::npos) expected.needed.push_back(value);
      if (line.find("(SONAME)") != std::string_view::npos) expected.soname = value;
      if (line.find("(RPATH)") != std::string_view::npos) expected.rpath = value;
      if (line.find("(RUNPATH)") != std::string_view::npos) expected.runpath = value;
    }
    EXPECT_EQ(dynamic->needed, expected.needed) << path;
    EXPECT_EQ(dynamic->soname, expected.soname) << path;
    EXPECT_EQ(dynamic->rpath, expected.rpath) << path;
    EXPECT_EQ(dynamic->runpath, expected.runpath) << path;
  }
}

struct Line {
  bool defined = false;
  bool weak = false;
  auto operator<=>(const Line&) const = default;
};
using SymbolLines = std::multimap<std::string, Line>;

SymbolLines readelf_symbols(const std::string& path) {
  SymbolLines result;
  const std::string output = output_of({"readelf", "--dyn-syms", "-W", path});
  for (const auto line : base::split_lines(output)) {
    // Num: Value Size Type Bind Vis Ndx Name[@version]
    const auto words = base::split_words(line);
    if (words.size() < 8 || !words[0].ends_with(':') || words[0] == "Num:") continue;
    if (words[3] == "SECTION") continue;  // nameless: readelf shows the section's name
    const std::string name(words[7].substr(0, words[7].find('@')));
    if (!name.empty()) result.emplace(name, Line{words[6] != "UND", words[4] == "WEAK"});
  }
  return result;
}

std::vector<std::pair<std::string, Line>> sorted(const SymbolLines& lines) {
  std::vector<std::pair<std::string, Line>> result(lines.begin(), lines.end());
  std::sort(result.begin(), result.end());
  return result;
}

TEST(RealElf, SymbolsEqualReadelfAndTheHashFindsExactlyTheDefinedOnes) {
  const auto fs = machine();
  std::size_t looked_up = 0;
  for (const std::string& path : real_libraries()) {
    auto file = fs.open_file(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    auto elf = elf::ElfFile::open(*file);
    ASSERT_TRUE(elf.ok()) << elf.error().message;
    const SymbolLines expected = readelf_symbols(path);

    auto symbols = elf->symbols_with_prefix({""});
    ASSERT_TRUE(symbols.ok()) << symbols.error().message;
    SymbolLines seen;
    for (const elf::Symbol& symbol : *symbols)
      seen.emplace(symbol.name, Line{symbol.defined, symbol.weak});
    EXPECT_EQ(sorted(seen), sorted(expected)) << path;

    std::set<std::string> defined;
    for (const auto& [name, line] : expected)
      if (line.defined) defined.insert(name);
    std::size_t wrong = 0;
    for (const auto& [name, line] : expected) {
      auto found = elf->find_defined(name);
      ASSERT_TRUE(found.ok()) << found.error().message;
      wrong += found->has_value() != defined.contains(name) ? 1 : 0;
      ++looked_up;
    }
    EXPECT_EQ(wrong, 0U) << path;
  }
  EXPECT_GT(looked_up, 20'000U);
}

TEST(RealElf, BuildIdsEqualReadelf) {
  const auto fs = machine();
  int compared = 0;
  for (const std::string& path : real_libraries()) {
    auto file = fs.open_file(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    auto elf = elf::ElfFile::open(*file);
    ASSERT_TRUE(elf.ok()) << elf.error().message;
    auto note = elf->note(".note.gnu.build-id", "GNU");
    ASSERT_TRUE(note.ok()) << note.error().message;
    std::string hex;
    for (const unsigned char c : note->value_or("")) {
      constexpr char kDigits[] = "0123456789abcdef";
      hex.append(1, kDigits[c / 16]).append(1, kDigits[c % 16]);
    }
    const std::string notes = output_of({"readelf", "-nW", path});
    const auto at = notes.find("Build ID: ");
    std::string expected;
    if (at != std::string::npos) expected = notes.substr(at + 10, notes.find('\n', at) - at - 10);
    if (expected.empty()) continue;  // then the first note of GNU's is another one
    EXPECT_EQ(hex, expected) << path;
    ++compared;
  }
  EXPECT_GT(compared, 3);
}

// --- ld.so.cache, the loader and its search order ---------------------------

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
