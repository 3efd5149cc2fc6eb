// An image with a loader, for tests that simulate it; its program is /bin/p.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ldso/loader_closure.h"
#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::ldso {

inline constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

struct Image {
  test::Tree tree;
  std::map<std::string, std::string> environment;
  std::optional<base::RootFs> fs;
  std::optional<LibrarySearch> search;

  Image() { tree.file(kLoader, test::ElfBuilder().soname("ld-linux-x86-64.so.2").build()); }

  static test::ElfBuilder program() { return test::ElfBuilder().interpreter(kLoader); }
  Image& file(std::string_view path, const test::ElfBuilder& elf) {
    return tree.file(path, elf.build()), *this;
  }
  // Each library in `directory` needs those behind it.
  Image& library(const std::string& path, std::initializer_list<std::string_view> needs = {}) {
    return file(path, test::ElfBuilder().soname(path.substr(path.rfind('/') + 1)).needs(needs));
  }
  Result<LoaderClosure> load(const std::string& path = "/bin/p") {
    fs.emplace(std::move(base::RootFs::open(tree.root())).value());
    search.emplace(*fs, environment);
    return LoaderClosure::of_program(*fs, *search, environment, path);
  }
};

}  // namespace gpuinit::ldso
