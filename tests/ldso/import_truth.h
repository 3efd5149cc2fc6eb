// tests/inputs/import_truth.jsonl: what real loaders said when real interpreters imported real
// torches and opened extensions in them; and the simulated loader at the same.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "ldso/loader_closure.h"
#include "ldso/symbol_check.h"
#include "ldso/version_check.h"

namespace gpuinit::ldso {

// One line; import_truth.py says what each field means. Either `imports` or `library` is there.
struct Truth {
  std::string image;
  std::string imports;
  std::vector<std::string> before, opens, loads;
  std::string library;
  std::vector<std::string> after;
  std::string outcome;
  std::string error;
};

inline std::vector<Truth> import_truth() {
  std::ifstream in(GPUINIT_TESTS_DIR "/inputs/import_truth.jsonl");
  std::vector<Truth> lines;
  for (std::string line; std::getline(in, line);) {
    const auto json = base::parse_json(line);
    if (!json) throw std::runtime_error(json.error().message);
    const auto text = [&](const char* key) {
      const base::Json* value = json->find(key);
      return value == nullptr ? std::string() : *value->as_string();
    };
    const auto list = [&](const char* key) {
      std::vector<std::string> items;
      if (const base::Json* value = json->find(key))
        for (const base::Json& one : *value->as_array()) items.push_back(*one.as_string());
      return items;
    };
    lines.push_back({text("image"), text("imports"), list("before"), list("opens"), list("loads"),
                     text("library"), list("after"), text("outcome"), text("error")});
  }
  EXPECT_FALSE(lines.empty());
  return lines;
}

// What dlopen(…, RTLD_NOW) stops at, in the loader's order: libraries, versions, symbols.
struct Verdict {
  std::vector<std::string> missing;  // in the order of the search
  std::set<std::string> versions;    // in the loader's words
  std::set<std::string> symbols;     // in the loader's words
  std::vector<std::string> unknown;  // why something could not be told

  bool loads() const {
    return missing.empty() && versions.empty() && symbols.empty() && unknown.empty();
  }
};

// Only the objects that come with `path` are judged: the others are in the process already.
inline Verdict open_now(LoaderClosure& closure, const std::string& path,
                        LoaderClosure::Symbols scope = LoaderClosure::Symbols::kLocal) {
  Verdict verdict;
  const std::size_t first = closure.objects().size();
  const std::size_t missing = closure.missing().size();
  if (const auto opened = closure.open(path, LoaderClosure::kProgram, scope); !opened)
    verdict.missing.push_back(path);
  for (std::size_t at = missing; at < closure.missing().size(); ++at)
    verdict.missing.push_back(closure.missing()[at].name);
  const auto path_of = [&](std::size_t object) { return closure.objects()[object].path; };
  const VersionCheck versions = check_versions(closure);
  verdict.unknown = versions.problems;
  for (const auto& one : versions.missing)
    if (one.needed_by >= first)
      verdict.versions.insert(path_of(one.provider) + ": version `" + one.version.version +
                              "' not found (required by " + path_of(one.needed_by) + ")");
  SymbolCheck check(closure);
  for (std::size_t object = first; object < closure.objects().size(); ++object) {
    const auto undefined = check.undefined(object, [](std::string_view) { return true; });
    if (!undefined) {
      verdict.unknown.push_back(undefined.error().message);
      continue;
    }
    for (const auto& symbol : *undefined)
      verdict.symbols.insert(path_of(object) + ": undefined symbol: " + symbol.name +
                             (symbol.version.empty() ? "" : ", version " + symbol.version));
  }
  return verdict;
}

// As a process does it: what the loader refuses leaves nothing behind.
inline void try_to_open(LoaderClosure& closure, const std::string& path) {
  const bool global = path.ends_with("/libtorch_global_deps.so");
  LoaderClosure with = closure;
  if (open_now(with, path,
               global ? LoaderClosure::Symbols::kGlobal : LoaderClosure::Symbols::kLocal)
          .loads())
    closure = std::move(with);
}

}  // namespace gpuinit::ldso
