// The simulated loader on this machine's own tree, and its comparison with the real one.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/root_fs.h"
#include "ldso/loader_closure.h"
#include "support/real_loader.h"

namespace gpuinit::ldso {

using Environment = std::map<std::string, std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// A closure of this machine's own tree or of another, and what it reads from.
struct Simulated {
  base::RootFs fs;
  LibrarySearch search;
  Result<LoaderClosure> closure;

  Simulated(const std::string& program, const Environment& environment,
            const std::string& root = "/")
      : fs(std::move(base::RootFs::open(root)).value()),
        search(fs, environment),
        closure(LoaderClosure::of_program(fs, search, environment, program)) {
    if (!closure) ADD_FAILURE() << program << ": " << closure.error().message;
  }
  LoaderClosure* operator->() { return &*closure; }

  Pairs loaded() const {
    Pairs result;
    for (std::size_t i = 1; i < closure->objects().size(); ++i)
      result.emplace_back(closure->objects()[i].name, closure->objects()[i].path);
    return result;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> result;
    for (const auto& [name, path] : loaded()) result.push_back(path);
    return result;
  }
  std::vector<std::string> missing() const {
    std::vector<std::string> result;
    for (const auto& one : closure->missing())
      if (!one.is_preload) result.push_back(one.name);
    return result;
  }
};

// How many objects were compared.
inline std::size_t expect_same(const std::string& program, const Environment& environment = {}) {
  const test::Trace real = test::trace({program}, environment);
  Simulated ours(program, environment);
  EXPECT_EQ(ours.loaded(), real.loaded) << program << "\n" << real.all;
  EXPECT_EQ(ours.missing(), real.missing) << program;
  return real.loaded.size();
}

}  // namespace gpuinit::ldso
