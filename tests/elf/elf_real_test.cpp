// The room against the programs that know, cuobjdump and readelf, on real libraries. Needs the
// inputs of tests/inputs/fetch.py.
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
#include "support/inputs.h"

namespace gpuinit::elf {
namespace {

namespace files = std::filesystem;
using test::entries_of;
using test::inputs;
using test::output_of;

base::RootFs machine() { return std::move(base::RootFs::open("/")).value(); }

// Shared libraries of the torch wheels, the drivers and this machine's libc.
std::vector<std::string> real_libraries() {
  std::vector<std::string> result = {"/lib/x86_64-linux-gnu/libc.so.6",
                                     "/lib/x86_64-linux-gnu/libm.so.6"};
  for (const auto& torch : entries_of(inputs() / "torch")) {
    result.push_back(torch / "torch/lib/libtorch_python.so");
    result.push_back(torch / "torch/lib/libc10.so");
    result.push_back(torch / "torch/lib/libtorch_cuda.so");
    for (const auto& file : entries_of(torch / "torch"))
      if (file.filename().string().starts_with("_C.")) result.push_back(file);
  }
  for (const auto& driver : entries_of(inputs() / "driver"))
    result.push_back(driver / "usr/lib/x86_64-linux-gnu/libcuda.so.1");
  for (const auto& python : test::interpreters()) result.push_back(python);
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
  for (const auto& torch : entries_of(inputs() / "torch")) {
    for (const auto& library : entries_of(torch / "torch/lib")) {
      const std::string name = library.stem();
      if (!name.starts_with("libtorch_cuda") || library.extension() != ".so") continue;
      std::string counted_in = torch.filename();
      if (name != "libtorch_cuda") counted_in += "." + name.substr(3);
      auto file = fs.open_file(library.native());
      ASSERT_TRUE(file.ok()) << file.error().message;
      auto elf = ElfFile::open(*file);
      ASSERT_TRUE(elf.ok()) << elf.error().message;
      DeviceCode code;
      auto containers = read_fatbins(*elf, code);
      ASSERT_TRUE(containers.ok()) << containers.error().message;
      EXPECT_EQ(code.entries, oracle(inputs() / "oracle" / (counted_in + ".cuobjdump"))) << library;

      // Groups and entries tell the same story.
      std::uint64_t grouped = 0;
      for (const auto& group : code.groups) grouped += group.containers;
      EXPECT_GT(grouped, 0U);
      EXPECT_LE(grouped, *containers);
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
    auto elf = ElfFile::open(*file);
    ASSERT_TRUE(elf.ok()) << elf.error().message;
    auto dynamic = elf->dynamic();
    ASSERT_TRUE(dynamic.ok()) << dynamic.error().message;

    Dynamic expected;
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
    auto elf = ElfFile::open(*file);
    ASSERT_TRUE(elf.ok()) << elf.error().message;
    const SymbolLines expected = readelf_symbols(path);

    auto symbols = elf->symbols_with_prefix({""});
    ASSERT_TRUE(symbols.ok()) << symbols.error().message;
    SymbolLines seen;
    for (const Symbol& symbol : *symbols)
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
    auto elf = ElfFile::open(*file);
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

}  // namespace
}  // namespace gpuinit::elf
