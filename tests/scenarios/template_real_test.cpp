// The healthy image of the scenarios against the real files that it stands for: what it says of
// a library is true of that library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/byte_source.h"
#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "scenarios/data.h"
#include "support/inputs.h"

namespace gpuinit::test {
namespace {

using base::Json;
using Texts = std::vector<std::string>;
using testing::IsSupersetOf;

Json image_template() {
  const Json image = read_toml(std::string(GPUINIT_SCENARIOS) + "/templates/image-pytorch.toml");
  const Json names = expanded(at(image, "names"), at(image, "names"));
  return expanded(image, names);
}

// Where the real file lies: system libraries in the interpreter's root, the others in one of the
// wheels. Empty if it was not fetched.
std::string real_file(const std::string& path, const std::string& site) {
  Texts places{inputs() / "python/3.12" / path.substr(1)};
  if (path.starts_with(site)) {
    const std::string below = path.substr(site.size() + 1);
    places = {inputs() / "torch/2.8.0-cp312" / below, inputs() / "runtime/cu12" / below};
    std::error_code none;
    for (const auto& wheel : std::filesystem::directory_iterator(inputs() / "wheels", none))
      places.push_back(wheel.path() / below);
  }
  const auto found = std::find_if(places.begin(), places.end(),
                                  [](const auto& file) { return std::filesystem::exists(file); });
  return found == places.end() ? "" : *found;
}

// `symbol` without its version.
Texts names_only(Texts symbols) {
  for (auto& symbol : symbols) symbol = symbol.substr(0, symbol.find('@'));
  return symbols;
}

Texts versions_of(const elf::ElfFile& elf) {
  Texts names;
  const auto definitions = elf.defined_versions();
  if (!definitions || !*definitions) return names;
  for (const auto& definition : **definitions) names.push_back(definition.name);
  return names;
}

Texts versions_needed_of(const elf::ElfFile& elf, const std::string& file) {
  Texts names;
  const auto needs = elf.needed_versions();
  for (const auto& need : needs.value())
    if (need.file == file)
      for (const auto& version : need.versions) names.push_back(version.name);
  return names;
}

void hold_against(const elf::ElfFile& elf, const std::string& path, const Json& library) {
  const auto dynamic = elf.dynamic();
  ASSERT_TRUE(dynamic.ok()) << path;
  EXPECT_EQ(dynamic->soname, path.substr(path.rfind('/') + 1));
  EXPECT_EQ(dynamic->rpath, text_at(library, "rpath")) << path;
  EXPECT_EQ(dynamic->runpath, text_at(library, "runpath")) << path;

  // Some of what it needs, in the same order.
  const Texts needs =
      at(library, "needs").is_null() ? Texts{"libc.so.6"} : texts_at(library, "needs");
  auto from = dynamic->needed.begin();
  for (const auto& name : needs) {
    from = std::find(from, dynamic->needed.end(), name);
    ASSERT_NE(from, dynamic->needed.end()) << path << " needs " << name;
  }

  const auto symbols = elf.symbols_with_prefix({""});
  ASSERT_TRUE(symbols.ok()) << path;
  Texts defined, undefined;
  for (const auto& symbol : *symbols) (symbol.defined ? defined : undefined).push_back(symbol.name);
  const auto among = [&](const Texts& some, Texts all) {
    std::sort(all.begin(), all.end());
    for (const auto& one : some)
      EXPECT_TRUE(std::binary_search(all.begin(), all.end(), one)) << path << ": " << one;
  };
  among(names_only(texts_at(library, "exports")), defined);
  among(names_only(texts_at(library, "wants")), undefined);
  EXPECT_THAT(versions_of(elf), IsSupersetOf(texts_at(library, "versions"))) << path;
  for (const auto& [file, versions] : table_at(library, "needs_versions"))
    EXPECT_THAT(versions_needed_of(elf, file),
                IsSupersetOf(texts_at(at(library, "needs_versions"), file)))
        << path;
}

TEST(Template, SaysOfALibraryWhatIsTrueOfIt) {
  const Json image = image_template();
  const std::string site = text_at(at(image, "names"), "site");
  auto fs = base::RootFs::open("/");
  ASSERT_TRUE(fs.ok());
  std::size_t held = 0;
  for (const auto& [path, library] : table_at(image, "library")) {
    const std::string real = real_file(path, site);
    if (real.empty()) continue;
    const auto file = fs->open_file(real);
    ASSERT_TRUE(file.ok()) << real;
    const auto elf = elf::ElfFile::open(*file);
    ASSERT_TRUE(elf.ok()) << real;
    hold_against(*elf, path, library);
    ++held;
  }
  // torch and Debian at least; NVIDIA's where the wheels were fetched.
  EXPECT_GE(held, 18U) << "run tests/inputs/fetch.py";
  RecordProperty("libraries", static_cast<int>(held));
}

TEST(Template, TorchRequiresWhatItsMetadataSays) {
  const Json image = image_template();
  auto fs = base::RootFs::open("/");
  const auto metadata =
      fs->read_file((inputs() / "torch/2.8.0-cp312/torch-2.8.0.dist-info/METADATA").string());
  ASSERT_TRUE(metadata.ok()) << "run tests/inputs/fetch.py";
  for (const auto& requirement : texts_at(at(image, "torch"), "requires"))
    EXPECT_THAT(*metadata, testing::HasSubstr("Requires-Dist: " + requirement + ";"));
}

}  // namespace
}  // namespace gpuinit::test
